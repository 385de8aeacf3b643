//! A bank: accounts on all cores, moved between by transactions. Whatever is found after a kill, in a snapshot or on another server: the sum
//! is what it was, and every transfer is in both accounts or in none.
//!
//! Each transfer also leaves its name in a list beside each of its two accounts, so that not only the sum is judged: a balance is the
//! one before plus the transfers in its list.

use super::ledger::Rule;
use crate::support::{Client, Random, Reply, client::request};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Accounts, every one under a tag of its own.
pub const ACCOUNTS: usize = 100;
/// What each begins with.
const OPENING: i64 = 1000;
/// Transfers in one pipeline.
const PIPELINE: usize = 16;

fn account(n: usize) -> String {
    format!("{{a{n}}}balance")
}

fn list(n: usize) -> String {
    format!("{{a{n}}}moves")
}

struct Transfer {
    name: String,
    from: usize,
    to: usize,
    amount: i64,
    sent: Instant,
    acked: Option<Instant>,
}

impl Transfer {
    fn request(&self) -> Vec<u8> {
        let amount = self.amount.to_string();
        let [from, to, from_list, to_list] = [account(self.from), account(self.to), list(self.from), list(self.to)];
        let commands: [&[&str]; 6] = [
            &["MULTI"],
            &["DECRBY", &from, &amount],
            &["RPUSH", &from_list, &self.name],
            &["INCRBY", &to, &amount],
            &["RPUSH", &to_list, &self.name],
            &["EXEC"],
        ];
        commands.iter().flat_map(|c| request(c)).collect()
    }
}

/// One client of the bank.
struct Teller {
    number: usize,
    random: Random,
    serial: u64,
    transfers: Vec<Transfer>,
    refused: Option<String>,
}

impl Teller {
    fn drive(&mut self, address: SocketAddr, stop: &AtomicBool) {
        let Ok(mut client) = Client::connect(address) else { return };
        while !stop.load(Ordering::Relaxed) {
            let first = self.transfers.len();
            for _ in 0..1 + self.random.below(PIPELINE) {
                self.serial += 1;
                let from = self.random.below(ACCOUNTS);
                let to = (from + 1 + self.random.below(ACCOUNTS - 1)) % ACCOUNTS;
                let (name, amount) = (format!("{}-{}", self.number, self.serial), 1 + self.random.below(50) as i64);
                self.transfers.push(Transfer { name, from, to, amount, sent: Instant::now(), acked: None });
            }
            let bytes: Vec<u8> = self.transfers[first..].iter().flat_map(Transfer::request).collect();
            client.send(&bytes);
            for n in first..self.transfers.len() {
                for part in 0..6 {
                    let Ok(reply) = client.read() else { return };
                    let is_whole = part < 5 || reply.elements().len() == 4;
                    if matches!(reply, Reply::Error(_)) || !is_whole {
                        self.refused = Some(reply.to_string());
                        return;
                    }
                }
                self.transfers[n].acked = Some(Instant::now());
            }
        }
    }
}

/// The bank's own books, kept where no server reaches them.
pub struct Bank {
    tellers: Vec<Teller>,
    balances: Vec<i64>,
}

/// Tellers at work.
pub struct OpenBank {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Teller>>,
    balances: Vec<i64>,
}

/// Transfers that were found, and acknowledged ones that were not.
#[derive(Default, Debug)]
pub struct Audit {
    pub kept: usize,
    pub lost: usize,
}

/// Balances, and for each account the transfers in its list.
type Books = (Vec<i64>, Vec<Vec<String>>);

impl Bank {
    pub fn new(tellers: usize, seed: u64) -> Bank {
        let teller = |number| Teller {
            number,
            random: Random::new(seed ^ 0xba4c ^ (number as u64) << 40),
            serial: 0,
            transfers: Vec::new(),
            refused: None,
        };
        Bank { tellers: (0..tellers).map(teller).collect(), balances: vec![OPENING; ACCOUNTS] }
    }

    /// Opens the accounts.
    pub fn found(&self, client: &mut Client) {
        let mut words = vec!["MSET".to_string()];
        (0..ACCOUNTS).for_each(|n| words.extend([account(n), OPENING.to_string()]));
        assert_eq!(client.call(&words), Reply::Simple(b"OK".to_vec()));
    }

    /// Lets the tellers begin.
    pub fn begin(self, address: SocketAddr) -> OpenBank {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |mut teller: Teller| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                teller.drive(address, &stop);
                teller
            })
        };
        let threads = self.tellers.into_iter().map(start).collect();
        OpenBank { stop, threads, balances: self.balances }
    }

    /// Judges what is on the server; goes on from there.
    pub fn audit(&mut self, client: &mut Client, rule: &Rule) -> Result<Audit, String> {
        let (audit, balances) = self.judge(client, rule)?;
        self.balances = balances;
        self.tellers.iter_mut().for_each(|t| t.transfers.clear());
        Ok(audit)
    }

    /// Judges what is on the server, without going on from there. Also returns the balances.
    pub fn judge(&self, client: &mut Client, rule: &Rule) -> Result<(Audit, Vec<i64>), String> {
        if let Some(error) = self.tellers.iter().find_map(|t| t.refused.as_ref()) {
            return Err(format!("a transfer was refused: {error}"));
        }
        let (balances, lists) = look(client)?;
        let mut moved = self.balances.clone();
        let mut verdict = Audit::default();
        let mut sides: BTreeMap<(&str, usize), usize> = BTreeMap::new();
        for (n, names) in lists.iter().enumerate() {
            names.iter().for_each(|name| *sides.entry((name, n)).or_default() += 1);
        }
        let (mut last_sent, mut first_missing) = (None, None);
        for t in self.tellers.iter().flat_map(|t| &t.transfers) {
            match (sides.remove(&(&t.name, t.from)), sides.remove(&(&t.name, t.to))) {
                (Some(1), Some(1)) => {
                    moved[t.from] -= t.amount;
                    moved[t.to] += t.amount;
                    verdict.kept += 1;
                    last_sent = last_sent.max(Some(t.sent));
                }
                (None, None) => {
                    let Some(at) = t.acked else { continue };
                    if at <= rule.promised_until {
                        return Err(format!("transfer {} was acknowledged and is not there", t.name));
                    }
                    verdict.lost += 1;
                    first_missing = [first_missing, Some(at)].into_iter().flatten().min();
                }
                (from, to) => return Err(format!("transfer {} is there {from:?} and {to:?} times", t.name)),
            }
        }
        if moved != balances {
            let wrong: Vec<_> = (0..ACCOUNTS).filter(|n| moved[*n] != balances[*n]).map(|n| (n, moved[n], balances[n])).collect();
            return Err(format!("accounts (number, by the books, found): {wrong:?}"));
        }
        if let (true, Some(missing), Some(sent)) = (rule.is_one_state, first_missing, last_sent)
            && missing < sent
        {
            return Err(format!("a transfer is missing that was acknowledged {:?} before another was sent that is there", sent - missing));
        }
        Ok((verdict, balances))
    }

    /// Empties the lists beside the accounts, so that data stay small. Not before everything was audited.
    pub fn forget(&self, client: &mut Client) {
        let mut words = vec!["DEL".to_string()];
        words.extend((0..ACCOUNTS).map(list));
        client.call(&words);
    }
}

impl OpenBank {
    /// Tells the tellers to finish.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits until all have ended.
    pub fn join(self) -> Bank {
        Bank { tellers: self.threads.into_iter().map(|t| t.join().expect("a teller does not panic")).collect(), balances: self.balances }
    }
}

/// Reads the books of a server and checks the sum.
fn look(client: &mut Client) -> Result<Books, String> {
    let mut words = vec!["MGET".to_string()];
    words.extend((0..ACCOUNTS).map(account));
    let reply = client.call(&words);
    let number = |r: &Reply| String::from_utf8_lossy(r.bytes()).parse::<i64>().map_err(|_| format!("a balance is {r}"));
    let balances = reply.elements().iter().map(number).collect::<Result<Vec<_>, _>>()?;
    check_sum(&balances)?;
    (0..ACCOUNTS).for_each(|n| client.send_words(&["LRANGE", &list(n), "0", "-1"]));
    let mut lists = Vec::new();
    for _ in 0..ACCOUNTS {
        let reply = client.read().map_err(|e| format!("{e:?}"))?;
        lists.push(reply.elements().iter().map(|e| String::from_utf8_lossy(e.bytes()).into_owned()).collect());
    }
    Ok((balances, lists))
}

fn check_sum(balances: &[i64]) -> Result<(), String> {
    let sum: i64 = balances.iter().sum();
    let right = OPENING * ACCOUNTS as i64;
    if balances.len() == ACCOUNTS && sum == right {
        Ok(())
    } else {
        Err(format!("the sum of {} accounts is {sum}, not {right}", balances.len()))
    }
}

#[test]
fn half_a_transfer_is_noticed() {
    use crate::support::{Program, Site};
    let mut site = Site::new(Program::Redis8, &[]);
    site.start();
    let (mut client, bank) = (site.client(), Bank::new(2, 1));
    bank.found(&mut client);
    let open = bank.begin(site.address());
    std::thread::sleep(std::time::Duration::from_millis(60));
    open.stop();
    let bank = open.join();
    let rule = Rule { promised_until: Instant::now() + std::time::Duration::from_secs(60), is_one_state: true, cut_by: None };
    let said = |bank: &Bank| bank.judge(&mut site.client(), &rule).err().unwrap_or_default();
    assert_eq!(said(&bank), "");
    client.call(&["INCRBY", &account(3), "1"]);
    assert!(said(&bank).contains("the sum"), "{}", said(&bank));
    client.call(&["DECRBY", &account(4), "1"]);
    assert!(said(&bank).contains("by the books"), "{}", said(&bank));
    client.call(&["INCRBY", &account(4), "1"]);
    client.call(&["DECRBY", &account(3), "1"]);
    let moved = &bank.tellers[0].transfers[0];
    client.call(&["LREM", &list(moved.to), "1", &moved.name]);
    assert!(said(&bank).contains("is there Some(1) and None times"), "{}", said(&bank));
    client.call(&["LREM", &list(moved.from), "1", &moved.name]);
    assert!(said(&bank).contains("is not there"), "{}", said(&bank));
}
