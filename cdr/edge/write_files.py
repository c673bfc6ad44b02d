"""The gathered files of a flush, written aside: what the manifest then enters."""

from collections.abc import Mapping

from cdr.edge.record_folder import RecordFolder
from cdr.gathered_files import GatheredFiles
from cdr.manifest import FORMATS_OF, RecordFile, file_name


def write_files(
    folder: RecordFolder,
    gathered: GatheredFiles,
    tenant_names: Mapping[int, str],
    next_sequences: Mapping[tuple[str, str], int],
) -> list[RecordFile]:
    """Write every gathered file aside, durably, and say what each is. OSError where the disk is full.

    next_sequences   by (content, tenant): of the next file; 1 where there is none
    """
    files = []
    sequences = dict(next_sequences)
    for each in gathered:
        tenant = tenant_names[each.tenant]
        numbered = (each.content, tenant)
        sequence = sequences.get(numbered, 1)
        sequences[numbered] = sequence + 1
        for word in FORMATS_OF[each.content]:
            name = file_name(each.content, tenant, each.day, sequence, word)
            pieces = each.octets(word)
            digest = folder.write(name, pieces)
            octets = sum(piece.size for piece in pieces)
            rows = (each.row_count, each.record_count, octets, digest)
            files.append(RecordFile(each.content, sequence, word, name, tenant, each.day, *rows))
    return files
