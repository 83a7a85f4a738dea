"""Scripts: what means something is sealed, and stands in the end exactly where its span says."""

from __future__ import annotations

from synthesis.language.script import Piece, Script, sentences, skeleton


def written(text: str, *pieces: Piece) -> tuple[Script, str]:
    script = Script()
    return script, text.format(*map(script.seal, pieces))


MONEY = Piece("argument", "money", "$50", (("$50", "$50"),))
BOOKING = Piece("reference", "bookings", "my booking to Denver", (("Denver", "Denver"),))


def test_spans_stand_where_the_pieces_do() -> None:
    script, text = written("send {0} for {1}, please.", MONEY, BOOKING)
    spoken = script.spoken(text)
    assert spoken.text == "send $50 for my booking to Denver, please."
    assert [(spoken.text[span.start : span.end], span.kind, span.type) for span in spoken.spans] == [
        ("$50", "argument", "money"),
        ("my booking to Denver", "reference", "bookings"),
    ]


def test_a_skeleton_has_types_for_pieces() -> None:
    script, text = written("Send {0} for {1}.", MONEY, BOOKING)
    spoken = script.spoken(text)
    assert spoken.skeleton == skeleton(spoken.text, spoken.spans) == "send <money> for <bookings>."


def test_a_piece_that_begins_a_sentence_is_written_large_for_the_ledger_too() -> None:
    script, text = written("{0} please. {1} is off.", Piece("argument", "fare", "on a basic fare"), BOOKING)
    spoken = script.spoken(sentences(text))
    assert spoken.text == "On a basic fare please. My booking to Denver is off."
    piece = Piece("argument", "fare", "on a basic fare", (("basic", "on a basic fare"),)).begun_large()
    assert piece.says == (("basic", "On a basic fare"),)


def test_an_address_keeps_its_small_letter() -> None:
    script, text = written("{0} is my email.", Piece("fact", "email", "ana@example.org"))
    assert script.spoken(sentences(text)).text == "ana@example.org is my email."


def test_sentences_begin_large_but_not_after_a_colon() -> None:
    assert sentences("one thing: what is it? good. thanks") == "One thing: what is it? Good. Thanks"


def test_amounts_do_not_end_a_sentence() -> None:
    assert sentences("it was 2.5 hours") == "It was 2.5 hours"


def test_two_numbers_side_by_side_are_kept_apart() -> None:
    day, ahead = Piece("argument", "date", "September 13"), Piece("argument", "minutes", "15 minutes ahead")
    script, text = written("remind me of {0} {1}", day, ahead)
    spoken = script.spoken(text)
    assert spoken.text == "remind me of September 13, 15 minutes ahead"
    assert [spoken.text[span.start : span.end] for span in spoken.spans] == [day.text, ahead.text]


def test_an_hour_that_ends_in_a_full_stop_ends_the_sentence_too() -> None:
    hour = Piece("argument", "hour", "7:05 a.m.")
    script, text = written("book the one at {0}. then {0}, thanks. or {0}.", hour)
    spoken = script.spoken(text)
    assert spoken.text == "book the one at 7:05 a.m. then 7:05 a.m., thanks. or 7:05 a.m."
    assert [spoken.text[span.start : span.end] for span in spoken.spans] == [hour.text] * 3
