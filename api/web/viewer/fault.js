// The first fault of a bundle: the same codes and places as `adit verify`.

export class Fault extends Error {
  constructor(code, file, details = {}) {
    super(`bundle.${code}`);
    this.code = `bundle.${code}`;
    this.details = { file, ...details };
  }
}
