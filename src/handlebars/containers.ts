// Follows the containers of running templates, so that a block can run later as it would run now.
import type {
  Container,
  ContainerFields,
  Environment,
  PartialOptions,
  Specification,
} from "./environment.js";

/** Indents the text of a partial; `undefined` leaves it to Handlebars. */
export type Indent = (text: string, indent: string) => string;

/** The containers of the templates that are running in an instance, the innermost last. */
export class Containers {
  readonly #running: Container[] = [];
  readonly #indent: () => Indent | undefined;

  constructor(environment: Environment, indent: () => Indent | undefined) {
    this.#indent = indent;
    const original = environment.template;
    environment.template = (specification, ...rest) =>
      original.call(environment, this.#followed(specification), ...rest);
  }

  /** The partials of the innermost template that has any. */
  get partials(): Record<string, unknown> | undefined {
    return this.#running.findLast(hasPartials)?.partials;
  }

  /** Gives what runs a block at any later time with the containers as they are now. */
  keep<T>(block: () => T): () => T {
    const running = [...this.#running];
    const kept = running.map(fieldsOf);
    return () => {
      const present = running.map(fieldsOf);
      const depth = this.#running.length;
      put(running, kept);
      this.#running.push(...running);
      try {
        return block();
      } finally {
        this.#running.length = depth;
        put(running, present);
      }
    };
  }

  /** Every call of a template goes through its `main`. */
  #followed(specification: Specification): Specification {
    const { main } = specification;
    let prepared = false;
    return {
      ...specification,
      main: (container, ...rest) => {
        if (!prepared) this.#prepare(container);
        prepared = true;
        this.#running.push(container);
        try {
          return main(container, ...rest);
        } finally {
          this.#running.pop();
        }
      },
    };
  }

  #prepare(container: Container): void {
    const original = container.invokePartial;
    container.invokePartial = (partial, context, options) => {
      const indent = this.#takeIndent(options);
      const text = original.call(container, partial, context, options);
      if (indent === undefined) return text;
      return typeof text === "string" ? indent(text) : text.then(indent);
    };
  }

  /** Takes the indenting over from Handlebars, which would take a placeholder for the text. */
  #takeIndent(options: PartialOptions): ((text: string) => string) | undefined {
    const { indent } = options;
    const indented = indent === undefined || indent === "" ? undefined : this.#indent();
    if (indented === undefined) return undefined;
    options.indent = "";
    return (text) => indented(text, indent as string);
  }
}

function hasPartials(container: Container): boolean {
  return container.partials !== undefined;
}

function fieldsOf(container: Container): ContainerFields {
  return {
    helpers: container.helpers,
    partials: container.partials,
    decorators: container.decorators,
    hooks: container.hooks,
    protoAccessControl: container.protoAccessControl,
  };
}

function put(running: readonly Container[], fields: readonly ContainerFields[]): void {
  running.forEach((container, index) => Object.assign(container, fields[index]));
}
