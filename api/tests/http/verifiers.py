"""Reads a public log with aics-tlog and brings it to a witness with aics-witness, which know nothing of this project, and says what it found as JSON.

    verifiers.py log URL VKEY                    the whole log over HTTP: checkpoint, every tile, every bundle, proofs
    verifiers.py note FILE VKEY WITNESS_VKEY     a checkpoint that a witness cosigned
    verifiers.py feed URL WITNESS_VKEY LOG VKEY  brings the log's checkpoint to a witness, with the proofs that it asks for
"""

import json
import sys

import aics_tlog as tlog
import aics_witness


def verify(note: bytes, vkey: str, witnesses: list[str]) -> tlog.checkpoint.CheckpointVerifyResult:
    log, known = tlog.parse_vkey(vkey), [tlog.parse_vkey(key) for key in witnesses]
    result = tlog.verify_checkpoint(tlog.parse_note(note), log, known, len(known), expected_origin=log.name)
    if not result.ok:
        sys.exit(f"the checkpoint does not verify: {result.error}")
    return result


def prove(holds: bool, what: str) -> None:
    if not holds:
        sys.exit(f"does not verify: {what}")


def read_log(url: str, vkey: str) -> dict:
    reader = tlog.HttpTileReader(url)
    seen = verify(reader.read_checkpoint(), vkey, [])
    size, root = seen.size, seen.root
    audit = tlog.audit_tiles(reader, size, root)
    proven = tlog.VerifiedTileReader(reader, size, root)
    for index in sorted({0, size // 2, size - 1}):
        entry = tlog.read_entry(proven, index, size)
        proof = tlog.inclusion_proof_from_tiles(proven, index, size)
        prove(tlog.verify_leaf_inclusion(entry, index, size, proof, root), f"entry {index}")
    for before in sorted({1, max(size // 3, 1), max(size - 1, 1), size}):
        old = tlog.tree_root_from_tiles(proven, before, size)
        proof = tlog.consistency_proof_from_tiles(proven, before, size)
        prove(tlog.verify_consistency(before, size, old, root, proof), f"the log of {before} entries")
    return {"size": size, "tiles": audit.tiles, "bundles": audit.bundles}


def feed(url: str, witness: str, log_url: str, vkey: str) -> dict:
    reader = tlog.HttpTileReader(log_url)
    note = reader.read_checkpoint()
    seen = verify(note, vkey, [])
    proven = tlog.VerifiedTileReader(reader, seen.size, seen.root)

    def proof(old: int, new: int) -> list[bytes]:
        return tlog.consistency_proof_from_tiles(proven, old, new) if old else []

    # The test's clock stands in the past, so a cosignature of any age is taken.
    with aics_witness.WitnessClient(url, witness, max_age_seconds=None) as client:
        lines = client.submit(note, proof)
    cosigned = note.decode() + lines
    return {"size": verify(cosigned.encode(), vkey, [witness]).size}


def main(what: str, *rest: str) -> dict:
    if what == "log":
        return read_log(*rest)
    if what == "feed":
        return feed(*rest)
    path, vkey, witness = rest
    with open(path, "rb") as note:
        result = verify(note.read(), vkey, [witness])
    return {"size": result.size, "witnesses": result.cosignature_count}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
