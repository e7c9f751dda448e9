// What a page of a hundred fragments costs in each engine: without the tag, cold, hot, and joined by hand.
import Handlebars from "handlebars";
import nunjucks from "nunjucks";
import { Cache } from "koa-caching";
import { installHandlebars } from "koa-caching/handlebars";
import { installNunjucks } from "koa-caching/nunjucks";
import { compare, type Candidate } from "./measure.js";

const FRAGMENTS = 100;
const WARM_UP = 2000;
const rows = Array.from({ length: 20 }, (_, id) => ({
  id,
  name: `name ${id}`,
  price: id * 7,
  note: "a <b> note",
}));
const data = { xs: Array.from({ length: FRAGMENTS }, (_, id) => ({ id, rows })) };

/** A page in one engine: with the tag, without it, and without the blocks. */
interface Page {
  readonly empty: () => unknown;
  readonly uncached: () => unknown;
  readonly cached: () => Promise<string>;
  readonly cache: Cache;
}

const BLOCKS = {
  light: { handlebars: "{{id}}", nunjucks: "{{ x.id }}" },
  heavy: {
    handlebars:
      "<table>{{#each rows}}<tr><td>{{id}}</td><td>{{name}}</td><td>{{price}}</td><td>{{note}}</td></tr>{{/each}}</table>",
    nunjucks:
      "<table>{% for r in x.rows %}<tr><td>{{ r.id }}</td><td>{{ r.name }}</td><td>{{ r.price }}</td><td>{{ r.note }}</td></tr>{% endfor %}</table>",
  },
};

function handlebarsPage(block: string): Page {
  const cache = new Cache();
  const engine = Handlebars.create();
  const { render } = installHandlebars(engine, cache);
  const other = Handlebars.create();
  const plain = other.compile(`{{#each xs}}<p>${block}</p>{{/each}}`);
  const empty = other.compile("{{#each xs}}<p></p>{{/each}}");
  const tagged = engine.compile(
    `{{#each xs}}<p>{{#cache 300 "row" id}}${block}{{/cache}}</p>{{/each}}`,
  );
  return {
    cache,
    empty: () => empty(data),
    uncached: () => plain(data),
    cached: () => render(tagged, data),
  };
}

function nunjucksPage(block: string): Page {
  const cache = new Cache();
  const templates: Readonly<Record<string, string>> = {
    empty: "{% for x in xs %}<p></p>{% endfor %}",
    plain: `{% for x in xs %}<p>${block}</p>{% endfor %}`,
    tagged: `{% for x in xs %}<p>{% cache 300, "row", x.id %}${block}{% endcache %}</p>{% endfor %}`,
  };
  const loader = {
    getSource: (name: string) => ({ src: templates[name]!, path: name, noCache: false }),
  };
  const environment = new nunjucks.Environment(loader, { autoescape: true });
  const { render } = installNunjucks(environment, cache);
  return {
    cache,
    empty: () => environment.render("empty", data),
    uncached: () => environment.render("plain", data),
    cached: () => render("tagged", data),
  };
}

function candidate(name: string, page: () => unknown): Candidate {
  return {
    name,
    run: async (times) => {
      for (let index = 0; index < times; index += 1) await page();
    },
  };
}

for (const weight of ["light", "heavy"] as const) {
  for (const [engine, make] of [
    ["handlebars", handlebarsPage],
    ["nunjucks", nunjucksPage],
  ] as const) {
    const { cache, empty, uncached, cached } = make(BLOCKS[weight][engine]);
    const cold = async (): Promise<string> => {
      await cache.clear();
      return cached();
    };
    const texts = (await cached()).split("<p>");
    // oxlint-disable-next-line no-await-in-loop
    for (let index = 0; index < WARM_UP; index += 1) await cached();
    const candidates = [
      candidate("without the tag", uncached),
      candidate("cold", cold),
      candidate("hot", cached),
      candidate("without the blocks", empty),
      candidate("joining a hundred strings", () => texts.join("<p>")),
    ];
    // One after the other: each table is a run of its own.
    // oxlint-disable-next-line no-await-in-loop
    await compare(`${engine}, ${FRAGMENTS} ${weight} fragments`, candidates, {
      times: 300,
      rounds: 9,
    });
  }
}
