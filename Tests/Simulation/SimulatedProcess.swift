#if os(Linux)
    internal import Foundation
    internal import SimulatedCalls

    /// What a process is about to do.
    struct PendingCall {
        var kind = CallKind.idle
        /// The number of the file or directory that the system gave it.
        var file: UInt64 = 0
        var offset: UInt64 = 0
        var byteCount: UInt64 = 0
        var name = ""
        var otherName = ""
    }

    /// What the driver lets a process do.
    enum Decision {
        case go
        case fail(Int32)
        case shorten(byteCount: UInt64)
        case die
    }

    /// A process of the program `codex-simulated`, and its control block.
    @safe
    final class SimulatedProcess {
        /// How a run ended.
        enum RunEnd {
            /// The process is at a scheduling point.
            case stopped
            /// It ended.
            case ended
            /// It does neither.
            case hangs
        }

        /// What could not be done to start a process.
        struct StartFailure: Error {
            let message: String
        }

        /// The number that the system gave the process.
        let processID: pid_t
        private let control: UnsafeMutablePointer<simulated_control>
        private let input: Int32
        private let output: OutputReader
        private var isReaped = false

        private static let starting = NSLock()
        /// Real time within which a process comes to its next scheduling point.
        private static let secondsMax: Int32 = 60

        /// Starts a process, which waits for its first turn.
        ///
        /// - Parameters:
        ///   - executable: The path of the program.
        ///   - number: The number of the process in the history.
        ///   - seed: The seed of its random numbers.
        ///   - controlPath: A file for the control block, which is made.
        ///   - journalPath: The journal.
        init(
            _ executable: String, number: Int, seed: UInt64, controlPath: String,
            journalPath: String
        ) throws {
            unsafe control = try Self.mapControl(controlPath)
            // Processes of other histories must not get the ends of the pipes.
            Self.starting.lock()
            defer { Self.starting.unlock() }
            let (commands, answers) = (try Self.makePipe(), try Self.makePipe())
            let arguments = [
                executable, controlPath, journalPath, String(number), String(seed),
            ]
            do {
                processID = try Self.spawn(arguments, input: commands.read, output: answers.write)
            } catch {
                for descriptor in [commands.read, commands.write, answers.read, answers.write] {
                    Foundation.close(descriptor)
                }
                throw error
            }
            Foundation.close(commands.read)
            Foundation.close(answers.write)
            input = commands.write
            output = OutputReader(answers.read)
        }

        deinit {
            kill()
            Foundation.close(input)
            unsafe munmap(control, MemoryLayout<simulated_control>.size)
        }

        /// What the process is about to do.
        var pendingCall: PendingCall {
            var call = PendingCall()
            call.kind = CallKind(rawValue: unsafe control.pointee.kind) ?? .idle
            call.file = unsafe control.pointee.file
            call.offset = unsafe control.pointee.offset
            call.byteCount = unsafe control.pointee.length
            call.name = unsafe Self.text(control.pointee.name)
            call.otherName = unsafe Self.text(control.pointee.other_name)
            return call
        }

        /// Writes a command, which the process reads in its next turn.
        func send(_ line: String) {
            let bytes = Array((line + "\n").utf8)
            var start = 0
            while start < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { buffer in
                    unsafe write(input, buffer.baseAddress! + start, bytes.count - start)
                }
                if count < 0, errno == EINTR { continue }
                // A process that ended is noticed by its next run.
                guard count > 0 else { return }
                start += count
            }
        }

        /// Lets the process run until its next scheduling point.
        func run(_ decision: Decision) -> RunEnd {
            unsafe control.pointee.error = 0
            switch decision {
            case .go: unsafe control.pointee.decision = 0
            case .fail(let error):
                unsafe control.pointee.decision = 1
                unsafe control.pointee.error = error
            case .shorten(let byteCount):
                unsafe control.pointee.decision = 2
                unsafe control.pointee.limit = byteCount
            case .die: unsafe control.pointee.decision = 3
            }
            switch unsafe simulated_run(control, processID, Self.secondsMax) {
            case 0: return .stopped
            case ESRCH: return .ended
            default: return .hangs
            }
        }

        /// The answer to the last command; `nil` if the process ended before.
        func answer() -> String? { output.nextLine(within: Double(Self.secondsMax)) }

        /// What the process printed that is no answer.
        var messages: String { output.messages }

        /// Kills the process and waits for its end.
        ///
        /// - Returns: The signal that ended it; `nil` if it ended by itself or was reaped before.
        @discardableResult
        func kill() -> Int32? {
            guard !isReaped else { return nil }
            Foundation.kill(processID, SIGKILL)
            return reap()
        }

        /// Waits for the end of a process that ends.
        ///
        /// - Returns: The signal that ended it; `nil` if it ended by itself or was reaped before.
        @discardableResult
        func reap() -> Int32? {
            guard !isReaped else { return nil }
            var status: Int32 = 0
            while unsafe waitpid(processID, &status, 0) < 0, errno == EINTR {}
            isReaped = true
            let signal = status & 0x7F
            return signal == 0 ? nil : signal
        }

        // MARK: Starting

        private static func mapControl(
            _ path: String
        ) throws -> UnsafeMutablePointer<simulated_control> {
            let byteCount = MemoryLayout<simulated_control>.size
            let file = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw StartFailure(message: "open \(path): \(errno)") }
            defer { Foundation.close(file) }
            guard ftruncate(file, byteCount) == 0 else {
                throw StartFailure(message: "ftruncate \(path): \(errno)")
            }
            let address = unsafe mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
            guard let mapped = unsafe address, Int(bitPattern: mapped) != -1 else {
                throw StartFailure(message: "mmap \(path): \(errno)")
            }
            let control = unsafe mapped.bindMemory(to: simulated_control.self, capacity: 1)
            unsafe simulated_prepare(control)
            return unsafe control
        }

        private static func makePipe() throws -> (read: Int32, write: Int32) {
            var ends: [Int32] = [-1, -1]
            guard unsafe pipe(&ends) == 0 else { throw StartFailure(message: "pipe: \(errno)") }
            // Other processes must not keep an end open.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return (ends[0], ends[1])
        }

        private static func spawn(
            _ arguments: [String], input: Int32, output: Int32
        ) throws -> pid_t {
            var environment = ProcessInfo.processInfo.environment
            environment["SWIFT_DETERMINISTIC_HASHING"] = "1"
            environment["SWIFT_BACKTRACE"] = "enable=no"
            var actions = unsafe posix_spawn_file_actions_t()
            unsafe posix_spawn_file_actions_init(&actions)
            defer { unsafe posix_spawn_file_actions_destroy(&actions) }
            unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
            unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
            unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
            var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
            var variables =
                unsafe environment.sorted { $0.key < $1.key }
                .map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
            defer { _ = unsafe (words + variables).map { unsafe free($0) } }
            var processID: pid_t = 0
            let status = unsafe posix_spawn(
                &processID, arguments[0], &actions, nil, &words, &variables)
            guard status == 0 else {
                throw StartFailure(message: "\(arguments[0]): \(status)")
            }
            return processID
        }

        /// The text of a C array.
        private static func text<Characters>(_ characters: Characters) -> String {
            unsafe withUnsafeBytes(of: characters) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
    }

    /// Reads what a process prints, on a thread of its own: a pipe holds less than long answers.
    private final class OutputReader: @unchecked Sendable {
        /// Guards all that follows.
        private let condition = NSCondition()
        private var answers: [String] = []
        private var rest: [UInt8] = []
        private var printed = ""
        private var isAtEnd = false

        private static let messageByteCountMax = 8192

        /// Reads from a descriptor to its end, and closes it.
        init(_ descriptor: Int32) {
            Thread.detachNewThread { [self] in
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = unsafe read(descriptor, &buffer, buffer.count)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { break }
                    append(buffer[..<count])
                }
                Foundation.close(descriptor)
                condition.lock()
                isAtEnd = true
                condition.broadcast()
                condition.unlock()
            }
        }

        private func append(_ bytes: ArraySlice<UInt8>) {
            condition.lock()
            defer { condition.unlock() }
            rest += bytes
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[start..<end], as: UTF8.self)
                if line.hasPrefix("{") {
                    answers.append(line)
                } else if printed.utf8.count < Self.messageByteCountMax {
                    printed += line + "\n"
                }
                start = end + 1
            }
            rest.removeSubrange(..<start)
            condition.broadcast()
        }

        /// What was printed that is no answer.
        var messages: String {
            condition.lock()
            defer { condition.unlock() }
            return printed
        }

        /// The next answer; `nil` at the end, or after so many seconds.
        func nextLine(within seconds: Double) -> String? {
            let deadline = Date(timeIntervalSinceNow: seconds)
            condition.lock()
            defer { condition.unlock() }
            while answers.isEmpty {
                guard !isAtEnd, condition.wait(until: deadline) else { break }
            }
            return answers.isEmpty ? nil : answers.removeFirst()
        }
    }
#endif
