//! What the simulator may do to an engine: stop a core between two steps of the ticket protocol and let others go on, and break
//! one rule of the protocol to see whether the checkers notice.
//!
//! Only builds with debug assertions have it; in a release build every look at it is a constant and nothing is left.

/// Places in a turn where other cores' steps make a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// One ring of one other core was emptied.
    RingRead,
    /// Everything that other cores sent was taken in.
    MessagesTaken,
    /// Commands of this core's connections were taken in.
    CommandsTaken,
    /// A ticket has its number and no part is pushed.
    NumberTaken,
    /// A part was pushed to another core.
    PartPushed,
    /// The bound has moved, the ticket rings were not drained.
    MarksRead,
    RingsDrained,
    TicketsRun,
    CallsRun,
}

/// A rule that is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Ticket rings are drained before the marks are read.
    DrainBeforeMarks,
    /// A number is marked before its last part is pushed.
    MarkBeforeLastPush,
    /// Calls run before the tickets below the bound.
    CallsBeforeTickets,
    /// Calls that arrive after the marks were read still run in the same pass.
    CallsTakenLate,
    /// Calls do not look at held slots.
    CallsPassHolds,
    /// A part that waits for a slot does not bar its other slots.
    TicketsOvertake,
    /// A ticket starts although calls of its connection are not answered.
    TicketPassesCalls,
    /// A call starts although tickets of its connection are not answered.
    CallPassesTickets,
    /// The round that releases is not sent to the last participant.
    RoundLost,
    /// Changes are put where they belong, but one owner is left out.
    ChangeLost,
    /// Slots are released when the first round arrives, not with the last.
    EarlyRelease,
    /// Numbers are taken although the place of their mark is still in use.
    MarksReused,
    /// EXEC does not look at its watches.
    WatchIgnored,
    /// A part runs without holding its slots.
    HoldForgotten,
    /// The bound skips a number that is not marked.
    BoundTooFar,
    /// A core that knows of unrun tickets sleeps without a timer.
    SleepsOnTickets,
    /// Commands behind an EXEC that has not run are still queued into its block.
    QueuedBehindExec,
    /// The owners of watched keys are told to forget the watches while the EXEC that looks at them is under way.
    WatchesForgotten,
    /// A ticket that found no room is not tried again.
    StarvedForgotten,
    /// Nobody is woken for an answer that had to wait for room.
    LateAnswerSleeps,
    /// Home answers every offer for a call that it is trying to serve as if it were the first.
    ClaimedTwice,
    /// Owners are not told that a call waits no more.
    WithdrawalLost,
    /// A waiter of another core is served without asking its home.
    ServedUnclaimed,
    /// Home lets a call be served although its client is gone.
    DeathIgnored,
    /// The next waiter is asked before the one before it has answered.
    OffersOvertake,
    /// A call over several cores takes what a waiter is being asked about.
    NewcomersFirst,
    /// A call over several cores that found nothing lets go before its owners know that it waits.
    WaitsTooLate,
    /// Replies are written when they arrive, whoever's turn it is.
    RepliesUnordered,
}

/// See the file's head.
#[derive(Clone, Copy, Default)]
pub struct Probe {
    /// Called with the core's number at every point.
    pub at: Option<fn(usize, Point)>,
    pub fault: Option<Fault>,
}

impl Probe {
    /// The core is at `point`.
    #[inline(always)]
    pub fn pass(&self, core: usize, point: Point) {
        if cfg!(debug_assertions)
            && let Some(at) = self.at
        {
            at(core, point);
        }
    }

    /// Whether `fault` is planted.
    #[inline(always)]
    pub fn has(&self, fault: Fault) -> bool {
        cfg!(debug_assertions) && self.fault == Some(fault)
    }
}
