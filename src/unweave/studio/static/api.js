/** The server's HTTP interface. */

const KEY = "unweave-key";

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, { code = "", message = "", where = null } = {}) {
    super(message || `the server answered ${status}`);
    Object.assign(this, { status, code, where });
  }
}

export class Api {
  /** @param {() => Promise<string>} askForKey is called when the server wants a key */
  constructor(askForKey) {
    this.askForKey = askForKey;
  }

  async #send(path, options = {}) {
    const key = sessionStorage.getItem(KEY);
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const answer = await fetch(`../v1/${path}`, { ...options, headers });
    if (answer.status === 401) {
      this.asking ??= this.askForKey().finally(() => (this.asking = null));
      sessionStorage.setItem(KEY, await this.asking);
      return this.#send(path, options);
    }
    if (answer.ok) return answer;
    const body = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, body.error);
  }

  async #json(path, options) {
    return (await this.#send(path, options)).json();
  }

  #post(path, body) {
    return this.#json(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  #form(path, parts) {
    const body = new FormData();
    for (const [name, value] of Object.entries(parts)) body.append(name, value);
    return this.#json(path, { method: "POST", headers: { Accept: "application/json" }, body });
  }

  models() {
    return this.#json("models");
  }

  card(model) {
    return this.#json(`models/${encodeURIComponent(model)}/card`);
  }

  signatures(model) {
    return this.#json(`models/${encodeURIComponent(model)}/signatures`);
  }

  /** Content of decoder.onnx, or null where the server keeps it, or it has more than `most` bytes. */
  async decoder(model, most) {
    try {
      const answer = await this.#send(`models/${encodeURIComponent(model)}/decoder.onnx`);
      if (Number(answer.headers.get("Content-Length") ?? 0) > most) {
        await answer.body.cancel();
        return null;
      }
      return new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
  }

  encode(model, image) {
    return this.#form("encode", { model, image });
  }

  /** A picture of a code, as a file. */
  async decode(model, codes) {
    const body = JSON.stringify({ model, codes: Array.from(codes), format: "png" });
    const answer = await this.#send("decode", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    return answer.blob();
  }

  edit(model, image, edits) {
    return this.#form("edit", { model, image, edits: JSON.stringify(edits) });
  }

  swap(model, image, other, factors) {
    return this.#form("swap", { model, image, other, factors: JSON.stringify(factors) });
  }

  feedback(edit, verdict, edits) {
    return this.#post("feedback", edits ? { edit, verdict, edits } : { edit, verdict });
  }

  rate(rating) {
    return this.#post("ratings", rating);
  }
}
