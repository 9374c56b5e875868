"""Two chunks of a job that end at the same moment: each stores its predictions, then one waits for the other."""

import threading

from db import chunks, jobs, predictions
from db.engine import begin
from db.types import JobState
from tests.builders import a_dataset, a_job, some_predictions


def test_two_chunks_of_a_job_that_end_at_the_same_moment_both_end(database):
    with begin() as session:
        job_id = a_job(session, a_dataset(session), pieces=[[0], [1]])
        [fit] = chunks.to_send(session, job_id)
        assert chunks.finish(session, chunks.claim(session, fit, "me", 60), chunks.Tally())
        ids = chunks.to_send(session, job_id)
        held = [chunks.claim(session, chunk_id, "me", 60) for chunk_id in ids]
    both_stored, ended = threading.Barrier(2), []

    def end(chunk) -> None:
        with begin() as session:
            predictions.add(session, job_id, some_predictions(chunk.rows))
            both_stored.wait(20)
            ended.append(chunks.finish(session, chunk, chunks.Tally(items=1)))

    threads = [threading.Thread(target=end, args=(chunk,)) for chunk in held]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert ended == [True, True]
    with begin() as session:
        assert jobs.get(session, job_id).state is JobState.RUNNING  # it is measured next
        assert len(predictions.of_job(session, job_id)) == 2
