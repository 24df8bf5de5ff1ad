-- What a database of version 7 held, at least a row of every table: a sweep with a run in each stage, as the platform of
-- that time wrote it. Ids are small and its own.
insert into experiment (name, created_at) values ('before', '2026-05-01T10:00:00Z');

insert into artifact (sha256, bytes)
values ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 11),
       ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 22);

-- the id is the hash of what the dataset is made from
insert into dataset (id, corpus, vocab_size, validation_modulus, detail)
values ('64217f7fde0c5a7024ba9467c4960bd6', 'backup.txt', 1024, 12, '{"kind":"data","id":"64217f7fde0c5a7024ba9467c4960bd6","trainTokens":1000000,"validationTokens":1000,
  "validationBytes":4000,"trainDocuments":10,"validationDocuments":1,"vocabSize":1024,"tokenizerHash":"t1",
  "files":[{"name":"train.bin","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bytes":11}]}');

insert into sweep (experiment_id, name, spec, spec_hash, dataset_id, planned_flops, dropped)
values (1, 'nightly', '{"kind":"isoflop","name":"nightly","experiment":"before",
  "dataset":{"corpus":"backup.txt","vocabSize":1024,"validationModulus":12},"contextLength":128,
  "models":[{"name":"d16","dModel":16,"layers":2,"heads":2}],"budgets":[{"flops":3e10,"batchSequences":2}],
  "training":{"learningRate":0.01},"pool":"old","priority":3}', 'h1', '64217f7fde0c5a7024ba9467c4960bd6', 6e10,
  '[{"label":"C1e9-d16-s1","reason":"too few steps"}]');

insert into run (sweep_id, name, kind, spec, state, attempt_no, pool, priority)
values (null, 'data d1', 'data', '{"kind":"data","corpus":"backup.txt","vocabSize":1024,"validationModulus":12}',
        'succeeded', 1, 'old', 0);
update dataset set run_id = 1;

-- before there was a choice, training had neither precision nor optimizer
insert into run (sweep_id, name, kind, spec, state, attempt_no, pool, priority, memory_bytes, n_params, n_params_nonembed,
                 tokens, flops, flops_exact, budget, seed, learning_rate, tokens_per_step, steps, comparability)
select 1, n.name, 'pretrain', '{"kind":"pretrain","model":{"vocabSize":1024,"contextLength":128,"dModel":16,"layers":2,
    "heads":2,"kvHeads":2,"dFf":48,"tiedEmbeddings":true,"qkNorm":true,"ropeTheta":10000.0,"normEpsilon":1e-6},
  "training":{"batchSequences":2,"steps":844,"learningRate":0.01,"finalLearningRateFraction":0.1,"warmupFraction":0.02,
    "schedule":"COSINE","beta1":0.9,"beta2":0.95,"epsilon":1e-8,"weightDecay":0.1,"gradientClip":1.0},
  "seed":1,"dataset":{"id":"64217f7fde0c5a7024ba9467c4960bd6","files":[{"name":"train.bin",
    "sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bytes":11}]},
  "metricsEverySteps":10,"evalEverySteps":100,"evalTokens":1000,"checkpointEverySeconds":60}',
  n.state, n.attempt, 'old', 3, 1000, 23120, 6736, 216064, 2.997e10, 3.5e10, 3e10, 1, 0.01, 256, 844, 'c1'
  from (values ('C3e10-d16-s1', 'succeeded', 1), ('C3e10-d16-s2', 'running', 2), ('C3e10-d16-s3', 'queued', 0),
               ('C3e10-d16-s4', 'failed', 1)) n (name, state, attempt);
update run set final_loss = 3.25, bits_per_byte = 1.5, train_loss = 3.3, step = 844, started_at = created_at,
               finished_at = now(), tokens_per_second = 100,
               result = '{"kind":"pretrain","finalLoss":3.25,"bitsPerByte":1.5,"evalTokens":1000,"steps":844,
                 "tokens":216064,"tokensPerSecond":100.0,"trainSeconds":2160.6,"diverged":false}'
 where name = 'C3e10-d16-s1';
update run set failure_category = 'out_of_memory', failure_code = 'out-of-memory', failure_message = 'Too large.',
               finished_at = now()
 where name = 'C3e10-d16-s4';
update run set step = 1010, retries_infrastructure = 9 where name = 'C3e10-d16-s2';

insert into runner (name, instance, pool, host, pid, version, slots, cores, memory_bytes, devices, kinds, device_samples,
                    devices_seen)
values ('old-runner', 'i1', 'old', 'host', 7, '0', 4, 2, 1099511627776,
        '[{"index":0,"name":"NVIDIA H100 80GB HBM3","memoryBytes":85017493504}]', '["pretrain","data"]',
        '[{"index":0,"utilisationPercent":97.5}]', now());
insert into runner_device_sample (runner_id, at, utilisation, device) values (1, now() - interval '1 minute', 97.5, 0);

insert into attempt (run_id, attempt_no, runner_id, state, cause, started_at, ended_at, next_metric_seq, next_log_seq)
values (1, 1, 1, 'succeeded', null, now(), now(), 0, 0),
       (2, 1, 1, 'succeeded', null, now(), now(), 3, 1),
       (3, 1, 1, 'lost', 'the runner was silent for its whole lease', now(), now(), 2, 1),
       (5, 1, 1, 'failed', 'out-of-memory: Too large.', now(), now(), 0, 0);
insert into checkpoint (run_id, attempt_no, step, tokens, train_seconds, files, bytes)
values (3, 1, 1000, 256000, 1.5, '[{"name":"model.safetensors",
  "sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","bytes":22}]', 22);
insert into attempt (run_id, attempt_no, runner_id, state, resumed_from_step, resume_checkpoint, started_at,
                     next_metric_seq, next_log_seq)
values (3, 2, 1, 'running', 1000, 1, now(), 1, 0);
insert into lease (run_id, attempt_no, runner_id) values (3, 2, 1);
insert into claim (runner_id, claim_key, grant_body) values (1, 'k1', '{"assignments":[]}');

insert into run_event (run_id, sweep_id, from_state, to_state, attempt_no, cause)
values (3, 1, null, 'queued', 0, 'submitted'), (3, 1, 'queued', 'assigned', 1, 'claimed'),
       (3, 1, 'assigned', 'running', 1, 'started'), (3, 1, 'running', 'suspect', 1, 'silent'),
       (3, 1, 'suspect', 'queued', 1, 'the runner was silent for its whole lease'),
       (3, 1, 'queued', 'assigned', 2, 'claimed'), (3, 1, 'assigned', 'running', 2, 'started');
insert into run_log (run_id, attempt_no, seq, at, level, line) values (3, 1, 0, now(), 'WARN', 'a line');

-- 1,001 points in a chunk and one more in the tail of attempt 1; attempt 2 went on from step 1000, which shadows both of 1001
insert into metric_name (name) values ('train/loss');
insert into metric_chunk (run_id, metric_id, attempt_no, step_min, step_max, n, nonfinite, vmin, vmax, vlast, blocks, stride,
                          time_base, times, vals)
select 3, 1, 1, 1, 1000, 1000, 0, 2.0, 2.999, 2.0,
       (select array_agg(x order by b, i) from (
           select b, i, (array[100, b * 100 + 100, b * 100 + 100, 3 - (b * 100 + 100) / 1000.0,
                               3 - (b * 100 + 100) / 1000.0, 3 - (b * 100 + 1) / 1000.0])[i]::double precision as x
             from generate_series(0, 9) b, generate_series(1, 6) i) blocks),
       1, 1777629600000, (select array_agg(s order by s) from generate_series(1, 1000) s),
       (select array_agg((3 - s / 1000.0)::double precision order by s) from generate_series(1, 1000) s);
insert into metric_tail (run_id, metric_id, attempt_no, step_min, step_max, n, stride, time_base, times, vals)
values (3, 1, 1, 1001, 1001, 1, 1, 1777629600000, '{1001}', '{9.0}'),
       (3, 1, 2, 1001, 1002, 2, 1, 1777629700000, '{1,2}', '{1.5,NaN}');
insert into metric_segment (run_id, attempt_no, from_step) values (3, 1, -1), (3, 2, 1000);
insert into metric_head (run_id, metric_id, attempt_no, last_step, last_value, min_value, max_value, n, nonfinite, tail_n)
values (3, 1, 2, 1002, 1.5, 1.5, 2.999, 1002, 1, 2);

insert into run_profile (run_id, attempt_no, body)
values (3, 2, '{"step":1020,"tokensPerStep":256,"flopsPerToken":138720.0,"device":"CPU, 2 threads","precision":"FP32","lanes":1,
  "runs":1,"memory":{"parameters":1,"gradients":2,"optimizer":3,"activations":4},"operations":[]}');

insert into fit (sweep_id, method, status, input_hash, body)
values (1, 'parametric', 'refused', 'f1', '{"id":0,"sweepId":1,"method":"parametric","status":"refused",
  "refusal":{"code":"too-few-points","message":"Five parameters need at least 8 points."},"level":0.95,"parameters":[],
  "budgets":[],"frontier":[],"points":[],"excluded":[],"options":{},"diagnostics":{},"warnings":[],"inputHash":"f1",
  "createdAt":"2026-05-01T11:00:00Z"}');

insert into api_token (name, prefix, sha256, scope)
select s || ' of old', 'isf_old-' || s, encode(sha256(('isf_old-' || s)::bytea), 'hex'), s
  from unnest(array['admin', 'read', 'submit', 'runner']) s;
insert into session (sha256, token_id, expires_at) values (encode(sha256('old-session'), 'hex'), 2, now() + interval '1 day');
insert into idempotency (principal, key, request_hash, status, location, body)
values ('token:3', 'k1', 'r1', 201, '/api/v1/sweeps/1', '{"id":1}');
