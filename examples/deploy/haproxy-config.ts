/** A process behind the balancer, on 127.0.0.1. */
export interface Backend {
  readonly name: string;
  readonly port: number;
}

/** What {@link haproxyConfig} writes down. Everything is on 127.0.0.1. */
export interface BalancerPlan {
  /** Where clients come in. */
  readonly port: number;
  /** Where the balancer tells which processes it takes for ready (`/stats;csv`). */
  readonly statsPort: number;
  readonly backends: readonly Backend[];
  /** How often each process is asked for `/readyz`, in milliseconds. */
  readonly checkEveryMs: number;
}

/**
 * A configuration of HAProxy (2.2 or later) for Sluice behind it. One failed check takes a process out, so that its
 * `readinessDelayMs` need only be longer than a check takes to come round.
 *
 * No answer is retried: a refusal says when to come back, and a second try at once is what an overloaded fleet cannot
 * use. What is tried on the next process is only a connection that could not be made, on which nothing was sent.
 */
export function haproxyConfig({ port, statsPort, backends, checkEveryMs }: BalancerPlan): string {
  const servers = backends.map(({ name, port }) => `  server ${name} 127.0.0.1:${port}`);
  return `global
  maxconn 4096

defaults
  mode http
  timeout connect 1s
  timeout client 60s
  # Longer than the longest deadline of a route: Sluice ends requests, not the balancer.
  timeout server 60s
  timeout check 1s
  retries 3
  retry-on conn-failure
  option redispatch 1

frontend shop
  bind 127.0.0.1:${port}
  default_backend shops

backend shops
  balance leastconn
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host shop
  http-check expect status 200
  # Node closes a connection after 5 s without a request; one that is about to be closed must not be used again.
  default-server check inter ${checkEveryMs}ms fall 1 rise 1 pool-purge-delay 2s
${servers.join('\n')}

frontend stats
  bind 127.0.0.1:${statsPort}
  stats enable
  stats uri /stats
`;
}
