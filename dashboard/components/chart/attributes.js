/**
 * Which attributes of a trace may be arrays, looked up once for each kind of trace.
 *
 * Plotly goes through its whole reference for each trace at each drawing: a quarter of the time of a figure of 36.
 */

/**
 * @typedef {Record<string, any>} Attributes A part of Plotly's reference.
 *
 * @typedef {object} Schema What is used of Plotly's module of its reference.
 * @property {(attributes: Attributes, told: (one: any, name: string, among: Attributes, level: number) => void) => void} crawl
 * @property {(trace: Record<string, any>) => string[]} findArrayAttributes
 *
 * @typedef {{ name: string, isList: boolean }[]} Path Names from a trace to an attribute, and which are of lists.
 */

/** @param {unknown} value */
const isArray = (value) =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

/** @param {unknown} value */
const isPart = (value) => Object.prototype.toString.call(value) === "[object Object]";

/**
 * @param {Schema} schema
 * @param {Attributes} attributes
 * @returns {Path[]}
 */
function pathsTo(schema, attributes) {
  /** @type {Path[]} */
  const found = [];
  /** @type {Path} */
  let path = [];
  schema.crawl(attributes, (one, name, _, level) => {
    path = [...path.slice(0, level), { name, isList: Boolean(one?._isLinkedToArray) }];
    const isOfColorbar = path[level - 1]?.name === "colorbar" && (name === "ticktext" || name === "tickvals");
    if ((one?.valType === "data_array" || one?.arrayOk === true) && !isOfColorbar) found.push(path);
  });
  return found;
}

/**
 * @param {any} part
 * @param {Path} path
 * @param {number} level
 * @param {string} before
 * @param {string[]} found
 */
function follow(part, path, level, before, found) {
  const { name, isList } = path[level];
  const value = part[name];
  if (level === path.length - 1) {
    if (isArray(value)) found.push(before + name);
  } else if (isList) {
    if (Array.isArray(value))
      value.forEach((one, number) => {
        if (isPart(one)) follow(one, path, level + 1, `${before}${name}[${number}].`, found);
      });
  } else if (isPart(value)) follow(value, path, level + 1, `${before}${name}.`, found);
}

/**
 * Has Plotly look its attributes up once.
 * @param {Schema} schema
 */
export function keepAttributes(schema) {
  const { crawl } = schema;
  /** Of all traces, whatever their kind. @type {Attributes[]} */
  const common = [];
  schema.crawl = (attributes) => common.push(attributes);
  schema.findArrayAttributes({});
  schema.crawl = crawl;
  const shared = common.flatMap((attributes) => pathsTo(schema, attributes));
  /** @type {Map<Attributes, Path[]>} */
  const known = new Map();
  schema.findArrayAttributes = (trace) => {
    const own = trace._module?.attributes;
    if (own && !known.has(own)) known.set(own, pathsTo(schema, own));
    /** @type {string[]} */
    const found = [];
    for (const path of [...shared, ...((own && known.get(own)) ?? [])]) follow(trace, path, 0, "", found);
    return found;
  };
}
