#if os(Linux)
    /// A process of a program, through all its restarts.
    struct Slot {
        /// The number of the process.
        let number: Int
        /// The commands that it has not begun.
        var queue: [Command]
        /// The process that runs now.
        var process: SimulatedProcess?
        /// What it is doing; `nil` while it waits for a command.
        var task: RunningTask?
        /// Whether it has the store open.
        var isOpen = false
        /// How many openings have begun.
        var openingCount = 0
        /// How many openings failed since the last good one.
        var failedOpeningCount = 0
        /// How many processes were started.
        var startCount = 0
        /// The progress of the history until which it gets no turn.
        var pausedUntil = 0
        /// The progress of the history when it last looked whether it must still wait.
        var lookedAt = -1
        /// How often it looked.
        var lookCount = 0
        /// The newest time that it was told.
        var now = ProgramGenerator.start
        /// The snapshot that the process holds; `nil` if there is none, or it is known to have
        /// ended.
        var held: HeldSnapshot?
        /// The command that began what the process observes; `nil` if it observes nothing.
        var observation: Request?

        /// Creates a process with its commands.
        init(number: Int, queue: [Command]) { (self.number, self.queue) = (number, queue) }
    }

    /// A snapshot that a process holds.
    struct HeldSnapshot {
        /// Whether it can be read.
        enum State {
            case open, ended, unknown
        }

        /// When it was asked for.
        let invoked: Int
        /// When it was there.
        let completed: Int
        /// The clocks of the reads with it.
        var clocks: [Int] = []
        var state = State.open
    }

    /// A state of the store with which a backup or the archive ends.
    struct SavedState {
        /// The backup's name.
        let name: String
        /// The last commit.
        let sequence: Int
        /// Steps within which it was the newest state.
        let steps: ClosedRange<Int>
    }

    /// A command that a process is doing.
    struct RunningTask {
        /// What is done.
        enum Kind {
            /// An opening, with its number.
            case opening(Int)
            /// The close that a barrier asks for, or a command of the program with its number.
            case closing(Int?)
            /// A command of the program.
            case command(Command)
        }

        /// What is done.
        let kind: Kind
        /// The command, as it was sent.
        let request: Request
        /// The step at which it was sent.
        let invoked: Int
        /// Of a restore, the commit that the new store must have at least.
        let sequenceMin: Int
        /// How many writes had been acknowledged when it was sent.
        let acknowledgedCount: Int
        /// The step at which it first came between two parts of its work.
        ///
        /// A read that gives the turn back has its snapshot by then.
        var firstPartStep: Int?
        /// How many calls it has made that do more than wait.
        var callCount = 0
        /// The call that the process is about to make.
        var pending = PendingCall()
        /// How many calls of it failed on demand.
        var faultCount = 0
        /// Whether a flush of the store's files failed on demand.
        var hasFailedFlush = false

        /// Whether a call of it failed on demand.
        var isFaulted: Bool { faultCount > 0 }

        /// Whether the process closes the store.
        var isClosing: Bool {
            if case .closing = kind { true } else { false }
        }

        /// What faults can be aimed at.
        func target(of slot: Int) -> Fault.Target? {
            switch kind {
            case .opening(let number): .opening(process: slot, number: number)
            case .closing(let command): command.map { .command($0) }
            case .command(let command): .command(command.id)
            }
        }
    }
#endif
