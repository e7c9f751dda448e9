import { expect } from "chai";
import Koa from "koa";
import request from "supertest";
import { FragmentError } from "../../src/errors.js";
import { fragmentsMiddleware, type RenderingContext } from "../../src/fragment/middleware.js";
import { kitchen, type Kitchen } from "../support/handlebars.js";

const page = '<{{#cache 9 "k"}}{{t}}{{/cache}}>';

/** An application whose `ctx.render` is the given one, with the middleware beneath it. */
function application(
  made: Kitchen,
  render: (context: Koa.Context, html: string) => unknown,
  use: (context: Koa.Context) => Promise<unknown> = (context) => context["render"](page),
): ReturnType<typeof request> {
  const app = new Koa();
  app.silent = true;
  app.use(async (context, next) => {
    context["render"] = async (template: string) =>
      render(context, made.handlebars.compile(template)({ t: "text" }));
    await next();
  });
  app.use(fragmentsMiddleware(made.fragments));
  app.use(use);
  return request(app.callback());
}

describe("fragmentsMiddleware()", () => {
  it("puts the fragments into the body that ctx.render() has set", async () => {
    const made = kitchen();
    const client = application(made, (context, html) => {
      context.type = "text/html";
      context.body = html;
    });
    const check = async (): Promise<void> => {
      const response = await client.get("/");
      expect(response.text).to.equal("<text>");
      expect(response.headers).to.include({
        "content-length": "6",
        "content-type": "text/html; charset=utf-8",
      });
    };
    await check();
    await check();
    expect(made.backend.writes).to.eql([["fragment/k"]]);
  });

  it("puts them into the text that ctx.render() gives, whether it sets the body or not", async () => {
    const seen: unknown[] = [];
    const use = async (context: Koa.Context): Promise<void> => {
      seen.push(context.body);
      seen.push(await context["render"](page));
      context.body ??= `body: ${String(seen.at(-1))}`;
    };
    const both = application(kitchen(), (context, html) => (context.body = html), use);
    expect((await both.get("/")).text).to.equal("<text>");
    const given = application(kitchen(), (_, html) => html, use);
    expect((await given.get("/")).text).to.equal("body: <text>");
    expect(seen).to.eql([undefined, "<text>", undefined, "<text>"]);
  });

  it("keeps what ctx.render() is called with, and what it gives", async () => {
    const { fragments } = kitchen();
    const calls: unknown[] = [];
    const context: RenderingContext = {
      body: undefined,
      render(this: unknown, ...args: unknown[]) {
        calls.push(this === context, args);
        context.body = "text";
        return 7;
      },
    };
    await fragmentsMiddleware(fragments)(context, async () => undefined);
    expect(await context.render!("page", { a: 1 })).to.equal(7);
    expect(calls).to.eql([true, ["page", { a: 1 }]]);
    expect(context.body).to.equal("text");
  });

  it("leaves a body alone that is not text, but not with fragments in it", async () => {
    const body = Buffer.from("bytes");
    const plain = application(
      kitchen(),
      (context) => (context.body = body) && undefined,
      (context) => context["render"]("<p>"),
    );
    expect((await plain.get("/")).body).to.eql(body);
    let error: unknown;
    const holding = application(
      kitchen(),
      (context, html) => (context.body = Buffer.from(html)) && undefined,
      (context) => context["render"](page).catch((thrown: unknown) => (error = thrown)),
    );
    await holding.get("/");
    expect(error).to.be.instanceOf(FragmentError);
    expect(String(error)).to.match(/left fragments in a body that is not text; got an object/);
  });

  it("rejects with the error of the render", async () => {
    const client = application(kitchen(), () => {
      throw Object.assign(new Error("teapot"), { status: 418, expose: true });
    });
    const response = await client.get("/");
    expect([response.status, response.text]).to.eql([418, "teapot"]);
  });

  it("must stand beneath what sets ctx.render", async () => {
    const { fragments } = kitchen();
    const run = fragmentsMiddleware(fragments)({ body: undefined }, async () => undefined);
    const error = await run.catch((thrown: Error) => thrown);
    expect(String(error)).to.match(/found no ctx\.render; got undefined.*after the middleware/);
  });
});
