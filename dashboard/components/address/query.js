/** The query of an address. */

/** Streamlit's own parameters, which it keeps from Python. */
const EMBEDDING = ["embed", "embed_options"];

/**
 * A query with what the present one says of embedding, which is not Python's to know.
 * @param {string} query without "?"
 * @param {string} present with "?", or empty
 */
export function withEmbedding(query, present) {
  const wanted = new URLSearchParams(query);
  for (const [name, value] of new URLSearchParams(present))
    if (EMBEDDING.includes(name)) wanted.append(name, value);
  const text = wanted.toString();
  return text && `?${text}`;
}
