import { describe, expect, it } from 'vitest';
import { ConnectionEndedError } from '../../../src/pools/connection-ended.js';
import type { FailureKind } from '../../../src/pools/contract.js';
import {
  classifyPgError,
  isFatal,
  isPgOutage,
  pgConnectTrouble,
  StatementStoppedError,
  sqlStateOf,
} from '../../../src/pools/pg-errors.js';

function serverError(code: string, severity = 'ERROR'): Error {
  return Object.assign(new Error('as the server said'), { code, severity });
}

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:5432`), { code, syscall: 'connect' });
}

describe('classifyPgError', () => {
  it.each<[string, string, FailureKind]>([
    ['57P01', 'FATAL', 'connection_lost'],
    ['57P02', 'FATAL', 'connection_lost'],
    ['57P05', 'FATAL', 'connection_lost'],
    ['25P03', 'FATAL', 'connection_lost'],
    ['08P01', 'FATAL', 'connection_lost'],
    ['28P01', 'FATAL', 'connection_lost'],
    ['3D000', 'FATAL', 'connection_lost'],
    ['57P03', 'FATAL', 'database_busy'],
    ['55P03', 'ERROR', 'database_busy'],
    ['53100', 'ERROR', 'database_busy'],
    ['53300', 'FATAL', 'database_busy'],
    ['25006', 'ERROR', 'database_busy'],
    ['40001', 'ERROR', 'contention'],
    ['40P01', 'ERROR', 'contention'],
    ['57014', 'ERROR', 'cancelled'],
    ['58030', 'ERROR', 'server_fault'],
    ['XX000', 'ERROR', 'server_fault'],
    ['XX001', 'FATAL', 'server_fault'],
    ['23505', 'ERROR', 'application'],
    ['42P01', 'ERROR', 'application'],
    ['08P01', 'ERROR', 'application'],
    ['57P01', 'ERROR', 'application'],
    ['P0001', 'ERROR', 'application'],
  ])('calls %s %s %s', (code, severity, kind) => {
    expect(classifyPgError(serverError(code, severity))).toBe(kind);
  });

  it.each([
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated'),
    new Error('Client has encountered a connection error and is not queryable'),
    new ConnectionEndedError('the connection was destroyed'),
    systemError('ECONNREFUSED'),
    systemError('ECONNRESET'),
    systemError('EPIPE'),
    systemError('ETIMEDOUT'),
    systemError('ENOTFOUND'),
    systemError('EMFILE'),
    systemError('CERT_HAS_EXPIRED'),
  ])('calls an error of the socket a lost connection: %s', (error) => {
    expect(classifyPgError(error)).toBe('connection_lost');
  });

  it.each([new TypeError('x is not a function'), systemError('EACCES'), 'text', null, undefined, 7, { code: 3 }])(
    'leaves what the database did not say to the application: %s',
    (error) => {
      expect(classifyPgError(error)).toBe('application');
    },
  );

  it('calls a statement that was never sent cancelled', () => {
    expect(classifyPgError(new StatementStoppedError())).toBe('cancelled');
  });
});

describe('sqlStateOf', () => {
  it('tells a state of the server from a code of the system', () => {
    expect(sqlStateOf(serverError('23505'))).toBe('23505');
    expect(sqlStateOf(systemError('EPIPE'))).toBeUndefined();
    expect(sqlStateOf(new Error('no code'))).toBeUndefined();
  });
});

describe('isFatal', () => {
  it('knows the end of a session in any language', () => {
    expect(isFatal(serverError('57P01', 'FATAL'))).toBe(true);
    expect(isFatal(serverError('57P01', 'SCHWERWIEGEND'))).toBe(true);
    expect(isFatal(serverError('XX000', 'PANIC'))).toBe(true);
    expect(isFatal(serverError('57014', 'FEHLER'))).toBe(false);
    expect(isFatal(serverError('57P01', 'ERROR'))).toBe(false);
  });
});

describe('isPgOutage', () => {
  it('spares the siblings of a session that a rule of the server ended', () => {
    expect(isPgOutage(serverError('57P05', 'FATAL'))).toBe(false);
    expect(isPgOutage(serverError('25P03', 'FATAL'))).toBe(false);
    expect(isPgOutage(serverError('25P04', 'FATAL'))).toBe(false);
    expect(isPgOutage(serverError('57P01', 'FATAL'))).toBe(true);
    expect(isPgOutage(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isPgOutage(systemError('ECONNRESET'))).toBe(true);
  });
});

describe('pgConnectTrouble', () => {
  it.each([
    [systemError('ENOTFOUND'), 'unresolved'],
    [systemError('EAI_AGAIN'), 'unresolved'],
    [serverError('28P01', 'FATAL'), 'credentials'],
    [new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), 'credentials'],
    [new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string'), 'credentials'],
    [serverError('28000', 'FATAL'), 'credentials'],
    [serverError('3D000', 'FATAL'), 'unknown_database'],
    [serverError('53300', 'FATAL'), 'crowded'],
    [systemError('EMFILE'), 'crowded'],
    [systemError('EADDRNOTAVAIL'), 'crowded'],
    [serverError('57P03', 'FATAL'), 'not_accepting'],
    [systemError('ECONNREFUSED'), 'unreachable'],
    [new Error('The server does not support SSL connections'), 'tls'],
    [systemError('CERT_HAS_EXPIRED'), 'tls'],
    [systemError('DEPTH_ZERO_SELF_SIGNED_CERT'), 'tls'],
    [systemError('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls'],
    [serverError('42501', 'FATAL'), 'rights'],
    // What a url asks for and the server refuses, and a database that takes nobody.
    [serverError('22023', 'FATAL'), 'unsupported'],
    [serverError('42601', 'FATAL'), 'unsupported'],
    [serverError('55000', 'FATAL'), 'unsupported'],
  ])('reads %s as %s', (error, trouble) => {
    expect(pgConnectTrouble(error)).toBe(trouble);
  });

  it.each([
    ['no pg_hba.conf entry for host "::1", user "app", database "shop", no encryption', 'tls_required'],
    ['no pg_hba.conf entry for host "::1", user "app", database "shop", SSL off', 'tls_required'],
    ['pg_hba.conf rejects connection for host "::1", user "app", database "shop", no encryption', 'tls_required'],
    ['no pg_hba.conf entry for host "::1", user "app", database "shop", SSL encryption', 'credentials'],
    ['role ", no encryption" does not exist', 'credentials'],
  ])('reads 28000 with "%s" as %s', (message, trouble) => {
    expect(pgConnectTrouble(Object.assign(new Error(message), { code: '28000', severity: 'FATAL' }))).toBe(trouble);
  });
});
