import { error, type LogCode, once, onceAMinute, unusable, warn } from './log-code.js';

/**
 * Every `code` that Sluice logs with, by name: they stay as they are from version to version, for alerts and searches.
 * The message beside it names route or pool and what was met. Changes made while running are logged without a code, so
 * that no console leaves one out.
 */
export const LOG_CODES: Readonly<Record<string, LogCode>> = {
  answer_not_read: warn(
    'a client read nothing of its answer for `writeTimeoutMs`, and its connection was ended; later ones are counted only',
    'nothing, where it is rare; many are an attack, or a proxy that holds answers back',
  ),
  authorize_failed: warn(
    '`authorize` of `operations()` threw or rejected, and who asks gets 500, or said nothing for 10 s, and who asks gets 503',
    'mend the function: it is to return true or false, and soon; it is said once for each mount',
  ),
  breaker_closed: warn('the circuit of a pool is closed again', 'nothing'),
  breaker_open: warn(
    'too much of the work of a pool fails, or is cut off at its deadline',
    'look at the errors and the slow statements of that server; `diagnosePools` and the dashboard say where',
  ),
  budget_unknown: warn(
    'a server did not say how many connections it allows, so nobody knows whether the pools fit',
    'let the user of the url read `max_connections`, or see that `max` x instances fit yourself',
  ),
  caller_key_unusable: unusable('perCaller.key', 'count for no caller'),
  clients_turned_away: onceAMinute(
    'gateway',
    'clients are disconnected, because their file descriptors would be those of the pools',
    'raise `ulimit -n` (`LimitNOFILE` of a service), or run more instances',
  ),
  commit_unanswered: onceAMinute(
    'route',
    'a COMMIT was never answered, and its connection was given up: whether it took effect is unknown',
    'look at the network to the server; make the work idempotent',
  ),
  commit_waits: onceAMinute(
    'route',
    'a COMMIT has had no answer for a second after its request was answered; its seat and its connection wait for that, up to 30 s',
    'look at the network to the server, and at its synchronous standbys; where all seats wait so, nobody is served meanwhile',
  ),
  connection_not_returned: once(
    'a handler answered and kept a connection, which was taken back',
    'call `release()` on each way through it, or use `query()` or `transaction()`',
    'keptConnections',
  ),
  cost_unusable: unusable('costOf', 'take the cost of the route'),
  database_cancel_elsewhere: warn(
    'the way to a server of MySQL or MariaDB leads to several, and what stops statements is led to another than the session: it stops nothing there, and the session is ended instead',
    'let the url lead to one server; or let the balancer choose by the address of the client',
  ),
  database_client_certificate_expires: warn(
    'the certificate of a client (`tlsCert`) ends within weeks',
    'replace it before, and `rotate` it in',
  ),
  database_connections_exhausted: warn(
    'no further connection can be opened, for a limit of the server, the role or the database',
    'lower `max`, or raise the limit that the message names',
  ),
  database_credentials_refused: warn(
    'the server refuses user or password',
    'correct the url, or `gateway.rotate` the new password in',
  ),
  database_name_unresolved: warn(
    'the name of the server leads to no address; connections that are open go on',
    'look at the resolver; nothing has to be restarted',
  ),
  database_password_unavailable: warn('the function that gives the password failed', 'mend what it asks'),
  database_quota_spent: warn(
    'the user of a pool has used up what MySQL lets it do in an hour',
    'raise its `MAX_QUERIES_PER_HOUR` or `MAX_UPDATES_PER_HOUR`, or take those limits away',
  ),
  database_reachable: warn('connections to a server can be opened again, after what kept them from it', 'nothing'),
  database_read_only: warn(
    'the server takes no writes: a standby, or one that is being replaced; connections are renewed',
    'nothing while a failover runs; else let the url lead to the primary',
  ),
  database_rights_missing: warn(
    'the user of the url may not connect to the database',
    'grant it `CONNECT`; on MySQL what it needs `ON <database>.*`, or create the database',
  ),
  database_server_certificate_expires: warn('the certificate of the server ends within weeks', 'replace it before'),
  database_session_stuck: onceAMinute(
    'pool',
    'the server goes on with a statement although it was told to stop',
    'look for the session in `pg_stat_activity`; its place comes free within some 10 s',
  ),
  database_tls_failed: warn(
    'no connection over TLS can be made as it is asked for, and none without is tried',
    'mend the certificate or its authority (`tlsCa`), or ask for no TLS (`sslmode=disable`)',
  ),
  database_tls_required: warn(
    'the server takes no such connection without TLS',
    'ask for it: `tls: true`, or `sslmode=verify-full` in the url; where the server has none, mend its `pg_hba.conf`',
  ),
  database_unknown: warn('the server has no such database', 'create it, or correct the url'),
  database_unreachable: warn(
    'the server does not answer, or is starting or stopping; it is tried again until it does',
    'bring the server back; the pools go on by themselves',
  ),
  database_unsupported: warn(
    'the server cannot be used as it is',
    'the message says what it lacks or refuses: version, login, mode, or a setting of the url',
  ),
  database_url_unheeded: warn(
    'a url has a parameter that other programs know and the driver does not read: it does nothing',
    'the message says what holds or helps in its place; take the parameter out',
  ),
  descriptors_exhausted: warn(
    'this process or host has no file descriptor left for a connection',
    'raise `ulimit -n`, or let fewer clients in (`boundClients`)',
  ),
  descriptors_scarce: warn(
    'the descriptors of this process hardly suffice for its pools',
    'raise `ulimit -n` (`LimitNOFILE` of a service) before traffic does it',
  ),
  failed_after_answer: {
    ...onceAMinute(
      'route',
      'a handler failed after its answer, of which no error handler hears; the error itself is in `err`',
      'mend the handler, or catch what may fail there',
    ),
    level: 'error',
  },
  fleet_burst_short: warn(
    'a rate limit of the fleet has a burst of less than 20 ms of its rate: some of the rate is lost between two words with Redis',
    'raise the `burst` that the message names',
  ),
  fleet_degraded: warn(
    'Redis does not answer: each instance goes on with its own share of the limits',
    'bring Redis back; requests never wait for it',
  ),
  fleet_key_replaced: warn(
    'a key of the fleet held something that no instance writes; it was replaced',
    'let nobody else write keys that begin with `sluice:`',
  ),
  fleet_lane_closed: warn(
    'Redis is away, and `fleetMaxConcurrent` of a route is less than its instances: this one is without a place',
    'bring Redis back; let `fleetMaxConcurrent` be at least the number of instances',
  ),
  fleet_mismatch: warn(
    'instances of one fleet have different settings; the stricter hold',
    'give all of them the same configuration; passing while a deploy runs',
  ),
  fleet_restored: warn('Redis answers again: limits hold over the whole fleet', 'nothing'),
  fleet_size_unknown: warn(
    'Redis did not answer at the start, and `instances` is not set: this instance takes the limits for itself alone',
    'set `instances` to the usual number of instances; it counts only until Redis has answered once',
  ),
  fleet_trouble: warn(
    'Redis has never answered, and it has turned out why: the message says more than `fleet_degraded` could',
    'as the message says',
  ),
  handler_silent: once(
    'a handler had answered nothing at its deadline, and was not at work on the database',
    'see that each way through it ends the response, and that none waits for its own seats by `gateway.run`: the `run` of its handle refuses that',
    'silentHandlers',
  ),
  may_see_unusable: warn(
    'the check of `problemDetails()` threw, or gave neither true nor false (a promise, for example): nobody sees explanations then',
    'let it return true or false at once, of what earlier middleware has found out; it is said once for each mount',
  ),
  memory_exhausted: warn(
    'this host has no memory for another connection, so the pool stays as it is',
    'look at the memory of the host and of its sockets (`net.ipv4.tcp_mem`), or let fewer clients in',
  ),
  over_budget: error(
    'pools x instances, and poolers beside them, do not fit `max_connections` of their server less the reserve, or what their user or database may have',
    'lower `max` or the number of instances, or raise the bound that the message names: it has the sum',
  ),
  pool_waits: warn(
    'a pool has no connection after the start, and nothing has failed: the message says what it waits for',
    'see whether the address and the scheme of its url are right, or mend its password function',
  ),
  pooler_console_unreachable: warn('`poolerAdminUrl` cannot be used', 'let its user into the console (`stats_users`)'),
  pooler_database_disabled: warn(
    'the pooler lets no new connection into the database of a pool, because somebody gave `DISABLE`; open ones go on',
    'give `ENABLE` with the name of the database in the console of the pooler',
  ),
  pooler_denied: warn(
    'a pool goes through a pooler although its `pooler` is `none`: in transaction mode its limits and settings would fall to other clients',
    'set `pooler` to `auto`; nothing, where the pooler is in session mode',
  ),
  pooler_recovers_late: warn(
    'after an outage the pooler looks for its server only every so many seconds (15 by default), and nobody gets through before',
    'set `server_login_retry = 0.2` in PgBouncer',
  ),
  pooler_session_mode: warn(
    'a pool goes through a pooler in session mode, where nothing is shared',
    'set `pool_mode = transaction`',
  ),
  pooler_session_stuck: onceAMinute(
    'pool',
    'a statement went on through a pooler although it was told to stop, or has not left the pooler at all',
    '`RESUME` a pooler that is paused; where its clients wait (`cl_waiting` of `SHOW POOLS`) all its connections are taken or its server is silent; else look in `pg_stat_activity`. The place comes free within some 10 s',
  ),
  pooler_size_changed: warn(
    'the pooler has another size than before: its pools use no more than that, and get back what it has again',
    'nothing, where that is meant; else raise `pool_size` of the pooler to the sum that the message names',
  ),
  pooler_size_differs: warn(
    '`poolerSize` lets the pools ask for more connections than the console of the pooler tells of: the surplus waits there',
    'leave `poolerSize` out, lower `max`, or raise `pool_size` of the pooler',
  ),
  pooler_size_unknown: warn(
    'nobody can tell whether the pooler has as many connections as the pool uses',
    'set `poolerSize` to its `pool_size`, or `poolerAdminUrl`',
  ),
  pooler_statement_mode: warn(
    'a pool goes through a pooler in statement mode, where no transaction can be opened: no start, or, later, no transaction until it is mended',
    'set `pool_mode = transaction`',
  ),
  ports_exhausted: warn(
    'this host has no free local port for a connection to the server',
    'widen `net.ipv4.ip_local_port_range`, or look who else holds connections to it',
  ),
  second_guard: warn('a second guard on one request does nothing', 'remove one of them'),
  session_state_undone: warn(
    'a statement of `query()` changed its session (a setting, a temporary table, a lock), which was undone with its return',
    'keep one connection with `connect()` for what belongs together, or use `transaction()` with `SET LOCAL`',
  ),
  tenant_unusable: unusable('tenantOf', 'count for no tenant'),
  work_after_answer: once(
    'a handler asked for the database after its answer, when its seat was given up: the work was not done',
    'answer last, or give what outlives the answer to `gateway.run`',
    'lateWrites',
  ),
  yielding_unheeded: warn(
    'the environment has moved a pool to another server than the pool of its `yieldsTo`, which means nothing then',
    'nothing, where that is meant; else write both URLs with one host and port',
  ),
};
