//! MULTI, EXEC, DISCARD, WATCH, UNWATCH. The engine carries them out; here is what they are.
//! Ref: redis.io/docs/latest/develop/using-commands/transactions

commands![discard exec multi unwatch watch];
