"""The part of what a chunk has set aside under its job's cap that stays so, whoever holds the chunk; SQL."""

# Of one chunk in `chunks`. A chunk without rows of its own, as a fit, asks about any.
ON_THEIR_WAY = """coalesce((SELECT sum(k.most_usd) FROM completions k
                       WHERE k.job_id = chunks.job_id AND k.state = 'sent' AND k.sent_at IS NOT NULL
                         AND k.batch_id IS NULL
                         AND (k.row IS NULL OR cardinality(chunks.rows) = 0 OR k.row = ANY(chunks.rows))), 0)"""

# What is set aside for a batch stays so until the batch ends, and for calls on their way until these are booked,
# whoever holds the chunk meanwhile: one who stalled beyond the lease may still be answered, and charged.
STAYS_RESERVED = f"""CASE WHEN EXISTS (SELECT 1 FROM batches b WHERE b.chunk_id = chunks.id AND b.finished_at IS NULL)
                          THEN reserved_usd
                          WHEN reserved_usd > 0 THEN least(reserved_usd, {ON_THEIR_WAY}) ELSE 0 END"""
