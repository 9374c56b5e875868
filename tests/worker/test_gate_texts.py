"""The gate's texts: enough of each kind, every domain, and nothing in training texts that is measured."""

from collections import Counter

from worker import gate_texts


def test_prose_covers_several_domains_evenly():
    counts = Counter(passage.domain for passage in gate_texts.prose())
    assert len(counts) >= 8
    assert min(counts.values()) >= 5
    assert all(60 <= len(passage.text.split()) <= 100 for passage in gate_texts.prose())


def test_there_are_enough_questions_each_with_one_right_ending_first():
    asked = gate_texts.questions()
    assert len(asked) >= 120
    assert len({question.start for question in asked}) == len(asked)
    for question in asked:
        assert 3 <= len(set(question.endings)) == len(question.endings) <= 4, question
        assert all(ending.startswith(" ") and ending.strip() for ending in question.endings), question


def test_what_is_replayed_in_training_is_not_what_is_measured():
    measured = {passage.text for passage in gate_texts.prose()}
    replayed = gate_texts.replay()
    assert len(replayed) >= 60
    assert len(set(replayed)) == len(replayed)
    sentences = {part for text in measured for part in text.split(". ")}
    assert not sentences & {part for text in replayed for part in text.split(". ")}
    endings = [question.start for question in gate_texts.questions()]
    assert not [start for start in endings for text in replayed if len(start) > 12 and start in text]
