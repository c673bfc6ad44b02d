"""Answers of a batch to responses of HTTP/2, by one kernel: what responses.py writes, without Python.

The octets of a MultipleUnitInformation are those that responses.py wrote for the first that said the same; the kernel stops
where it knows none. Refusals, and requests whose headers ask for more, are left to Python.
"""

import numpy as np

from charging.batch import ANSWER_MSCC_DTYPE, COUNT_REQUESTS, EVENT, INITIAL, IS_OFFLINE
from charging.batch_rows import HELD_ANSWERED
from chf_http2.charging_data_ref import NAME_DIGITS, REF_DIGITS, SESSION_PREFIX, write_ref_end
from chf_http2.front_memory import HELD_FRONT, OPERATIONS_COUNT, PARTS_END, REST_COUNT, SAID
from chf_http2.routes import SERVICES
from chf_http2.streams.library import NV_STATIC, NV_UNLIKE_OTHERS
from chf_http2.streams.memory import ABSENT, ODD_KEPT, STREAM_OCTETS, WAITING
from chf_http2.streams.transfer import answer, put_header, row_of_ticket
from chf_http2.tick_memory import ECHO_PACKER, NO_FEATURES
from chf_http2.usual_members import word
from vocabulary.digest import digest128
from vocabulary.foreign import octets_at, place_of
from vocabulary.held import held
from vocabulary.ids import NCHF_PART_DOMAIN
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets, get_word, put_word
from vocabulary.outcomes import Outcome

UNKNOWN_PART = 1
"""`part_stop` says of which MSCC row."""
NO_ROOM_LEFT = 2
_GIVEN = 0
_GRANTED = int(Outcome.GRANTED)
_CREATE, _UPDATE, _RELEASE = 0, 1, 2
_STATUS_NAME, _DONE, _CREATED, _NO_CONTENT, _TYPE, _JSON, _LOCATION, _DATE = range(len(SAID))
_HTTP, _HTTPS = word("http://"), word("https://")
_STAMP, _NUMBER = word('{"invocationTimeStamp":'), word(',"invocationSequenceNumber":')
_FEATURES, _INFORMATION = word(',"supportedFeatures":"'), word(',"multipleUnitInformation":[')
_PREFIX_OCTETS = len(SESSION_PREFIX)
_ECHO_OCTETS = ECHO_PACKER.size
_GIVES_QUOTA = np.array([one.gives_quota for one in SERVICES], np.uint8)
_ROW_OCTETS = ANSWER_MSCC_DTYPE.itemsize
_WORD_OCTETS = 8
_HIGH = 32
_REST_OCTETS = 128
"""More than what stands in a body beside stamp, opening and parts."""
_QUOTE, _COMMA, _CLOSE_LIST, _CLOSE, _SLASH, _ZERO, _A = 34, 44, 93, 125, 47, 48, 65


@kernel
def give_answers(front_octets, answered_octets, first):
    """Answer the requests of a batch from row `first` on: (rows that were looked at, why the next was not).

    With all looked at the reason is 0, else UNKNOWN_PART. Rows that Python is to answer are in `rest`.
    """
    front, answered = held(front_octets, HELD_FRONT), held(answered_octets, HELD_ANSWERED)
    usage, answers = answered.usage, answered.answers
    if first == 0:
        front.counts[REST_COUNT] = 0
    for index in range(first, usage.counts[COUNT_REQUESTS]):
        if answers.answers[index].is_silent:
            continue
        row = row_of_ticket(front.streams, usage.requests[index].hop_by_hop)
        if row < 0 or front.streams.streams[row].state != WAITING:
            continue
        reason = NO_ROOM_LEFT
        if answers.answers[index].outcome == _GRANTED and not front.streams.streams[row].odd & ODD_KEPT:
            reason = _give(front, usage, answers, index, row)
        if reason == UNKNOWN_PART:
            return index, reason
        if reason == NO_ROOM_LEFT:
            front.rest[front.counts[REST_COUNT]] = index
            front.counts[REST_COUNT] += 1
    return np.int64(usage.counts[COUNT_REQUESTS]), _GIVEN


@kernel
def _give(front, usage, answers, index, row):
    """Answer one request that was granted."""
    memory = front.streams
    one, request = memory.streams[row], usage.requests[index]
    operation, service = one.route % OPERATIONS_COUNT, one.route // OPERATIONS_COUNT
    _put_said(front, 1, _DATE, np.uint64(place_of(front.date)), front.date.shape[0], NV_STATIC)
    if operation == _RELEASE:
        _put_status(front, _NO_CONTENT)
        answer(memory, row, 2, np.uint64(0), 0)
        return _GIVEN
    location = np.int64(0)
    if operation == _CREATE:
        location = _write_location(front, usage, request, one, service)
        if location == 0:
            return NO_ROOM_LEFT
    at, end = np.int64(one.body_at), np.int64(row + 1) * STREAM_OCTETS
    behind = _write_body(front, usage, answers, request, _GIVES_QUOTA[service], at, end)
    if behind < 0:
        return -behind
    _put_said(front, 2, _TYPE, np.uint64(place_of(front.words[_JSON])), front.word_lengths[_JSON], NV_STATIC)
    count = 3
    if operation == _CREATE:
        _put_status(front, _CREATED)
        _put_said(front, 3, _LOCATION, np.uint64(place_of(memory.scratch)), location, NV_UNLIKE_OTHERS)
        count = 4
    else:
        _put_status(front, _DONE)
    answer(memory, row, count, np.uint64(place_of(memory.texts)) + np.uint64(at), behind - at)
    return _GIVEN


@kernel
def _put_said(front, index, name, value_place, value_length, flags):
    put_header(
        front.streams,
        index,
        np.uint64(place_of(front.words[name])),
        front.word_lengths[name],
        value_place,
        value_length,
        flags,
    )


@kernel
def _put_status(front, status):
    place = np.uint64(place_of(front.words[status]))
    _put_said(front, 0, _STATUS_NAME, place, front.word_lengths[status], NV_STATIC)


@kernel
def _write_location(front, usage, request, one, service):
    """Where the session is, to scratch; its length, 0 where Python is to write it."""
    memory, out = front.streams, front.streams.scratch
    base = front.base_lengths[service]
    if front.root.shape[0]:
        if front.root.shape[0] + base + 1 + REF_DIGITS > out.shape[0]:
            return np.int64(0)
        at = copy_octets(front.root, 0, out, np.int64(0), front.root.shape[0])
    else:
        if one.authority_at == ABSENT or one.authority_length + base + REF_DIGITS + _REST_OCTETS > out.shape[0]:
            return np.int64(0)
        scheme = _HTTPS if one.is_https else _HTTP
        at = copy_octets(scheme, 0, out, np.int64(0), scheme.shape[0])
        at = copy_octets(memory.texts, np.int64(one.authority_at), out, at, np.int64(one.authority_length))
    at = copy_octets(front.bases[service], 0, out, at, base)
    out[at] = _SLASH
    name = np.int64(request.session_id_offset) + _PREFIX_OCTETS
    copy_octets(usage.octets, name, out, at + 1, NAME_DIGITS)
    write_ref_end(request.account_id, front.tick.secret, front.tick.tenant[0], _GIVES_QUOTA[service], out, at + 1)
    return at + 1 + REF_DIGITS


@kernel
def _write_body(front, usage, answers, request, has_information, first, end):
    """A ChargingDataResponse at texts[first:], in place of the request's body; the place behind it.

    Or the reason, negative, why there is none: the headers before it are as they were then.
    """
    out = front.streams.texts
    if first + front.stamp.shape[0] + front.opening.shape[0] + _REST_OCTETS > end:
        return np.int64(-NO_ROOM_LEFT)
    echo = np.int64(request.service_information_offset) + np.int64(request.service_information_length)
    word = get_word(usage.octets, echo)
    at = copy_octets(_STAMP, 0, out, first, _STAMP.shape[0])
    at = copy_octets(front.stamp, 0, out, at, front.stamp.shape[0])
    at = copy_octets(_NUMBER, 0, out, at, _NUMBER.shape[0])
    at = _write_number(out, at, np.int64(word & np.uint64(0xFFFFFFFF)))
    if request.request_type == INITIAL or request.request_type == EVENT:
        at = copy_octets(front.opening, 0, out, at, front.opening.shape[0])
        features = np.int64(word >> np.uint64(32))
        if features != NO_FEATURES:
            at = copy_octets(_FEATURES, 0, out, at, _FEATURES.shape[0])
            at = _write_hexadecimal(out, at, features)
            out[at] = _QUOTE
            at += 1
    if has_information and request.mscc_count:
        at = _write_information(front, usage, answers, request, echo + _ECHO_OCTETS, at, end)
        if at < 0:
            return at
    out[at] = _CLOSE
    return at + 1


@kernel
def _write_information(front, usage, answers, request, echo, at, end):
    """The list of a MultipleUnitInformation for each MSCC row; the place behind it, or the reason, negative."""
    out = front.streams.texts
    at = copy_octets(_INFORMATION, 0, out, at, _INFORMATION.shape[0])
    for index in range(request.mscc_first, request.mscc_first + request.mscc_count):
        length = np.int64(usage.octets[echo])
        place = part_place(front, usage, answers, index, echo + 1, length)
        known = front.part_places[place]
        if known[1] == 0:
            front.part_stop[0], front.part_stop[1], front.part_stop[2] = index, echo + 1, length
            return np.int64(-UNKNOWN_PART)
        if at + known[1] + 3 > end:
            return np.int64(-NO_ROOM_LEFT)
        if index > request.mscc_first:
            out[at] = _COMMA
            at += 1
        at = copy_octets(front.part_octets, known[0], out, at, known[1])
        echo += 1 + length
    out[at] = _CLOSE_LIST
    return at + 1


@kernel
def part_place(front, usage, answers, index, upf_at, upf_length):
    """The row of the parts for what an MSCC row is answered; its length there is 0 where that isn't known yet."""
    key, at = front.scratch, np.int64(_WORD_OCTETS)
    is_offline = np.int64(usage.msccs[index].presence & IS_OFFLINE)
    put_word(key, 0, usage.msccs[index].rating_group | is_offline << _HIGH)
    row = octets_at(np.uint64(place_of(answers.msccs)) + np.uint64(index * _ROW_OCTETS), _ROW_OCTETS)
    at = copy_octets(row, 0, key, at, _ROW_OCTETS)
    at = copy_octets(usage.octets, upf_at, key, at, upf_length)
    high, low = digest128(key, 0, at, front.tick.secret, NCHF_PART_DOMAIN)
    place = np.int64(low & np.uint64(front.part_keys.shape[0] - 1))
    if front.part_keys[place, 0] != high or front.part_keys[place, 1] != low:
        front.part_keys[place, 0], front.part_keys[place, 1] = high, low
        front.part_places[place, 1] = 0
    return place


@kernel
def learn_part(front_octets, answered_octets, octets):
    """What the MSCC row in `part_stop` is answered has these octets."""
    front, answered = held(front_octets, HELD_FRONT), held(answered_octets, HELD_ANSWERED)
    length = np.int64(octets.shape[0])
    if front.counts[PARTS_END] + length > front.part_octets.shape[0]:
        front.part_places[:, 1] = 0
        front.counts[PARTS_END] = 0
    index, upf_at, upf_length = front.part_stop[0], front.part_stop[1], front.part_stop[2]
    place = part_place(front, answered.usage, answered.answers, index, upf_at, upf_length)
    at = front.counts[PARTS_END]
    front.counts[PARTS_END] = copy_octets(octets, 0, front.part_octets, at, length)
    front.part_places[place, 0], front.part_places[place, 1] = at, length


@kernel
def forget_parts(front_octets):
    """The same rows are answered in other words from now on."""
    front = held(front_octets, HELD_FRONT)
    front.part_places[:, 1] = 0
    front.counts[PARTS_END] = 0


@kernel
def _write_number(out, at, number):
    """The decimal digits of a number that isn't negative; the place behind them."""
    count, rest = np.int64(1), number // 10
    while rest:
        count += 1
        rest //= 10
    for index in range(count):
        out[at + count - 1 - index] = _ZERO + number % 10
        number //= 10
    return at + count


@kernel
def _write_hexadecimal(out, at, number):
    """The same in sixteens, with capital letters."""
    count, rest = np.int64(1), number >> 4
    while rest:
        count += 1
        rest >>= 4
    for index in range(count):
        digit = number & 15
        out[at + count - 1 - index] = _ZERO + digit if digit < 10 else _A + digit - 10
        number >>= 4
    return at + count
