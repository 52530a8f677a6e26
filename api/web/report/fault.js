// Why something was not done. `says` has the server's own words, `code` those of the page, with what is to be filled into them.

export class Fault extends Error {
  constructor(code, says, fills = {}) {
    super(code);
    Object.assign(this, { code, says, fills });
  }
}
