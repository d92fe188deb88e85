#if Remote
    import Dispatch
    import Foundation
    import Synchronization

    /// `codexflow serve` on a free port of this machine, with a store that ends with it.
    ///
    /// Call ``end()``. A signal that ends this process ends all servers (``EndingSignals``).
    final class Server {
        /// The address.
        let endpoint: String
        private let process: Process
        /// Gets a signal when the process has ended.
        private let ended: DispatchSemaphore

        /// The numbers of the processes that were started and not ended.
        private static let running = Mutex<Set<Int32>>([])
        /// The longest time in which a server ends in order.
        private static let endTime = DispatchTimeInterval.seconds(10)

        /// Starts the program, and waits until it serves.
        ///
        /// - Parameters:
        ///   - program: The path of `codexflow`.
        ///   - rule: The JSON of a rule of faults; `nil` is none.
        /// - Throws: ``BenchFailure`` if the program ends instead; the errors of starting it.
        init(_ program: String, rule: String? = nil) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program)
            var arguments = ["serve", "--ephemeral", "--port", "0", "--memory", "1024"]
            let plan = FileManager.default.temporaryDirectory
                .appendingPathComponent("codex-bench-\(UUID().uuidString).json")
            if let rule {
                try Data("{\"rules\":[\(rule)]}".utf8).write(to: plan)
                arguments += ["--faults", plan.path]
            }
            // It is read before the program serves.
            defer { try? FileManager.default.removeItem(at: plan) }
            process.arguments = arguments
            // With a key, the server would refuse that of the clients.
            process.environment = ProcessInfo.processInfo.environment.filter {
                !$0.key.hasPrefix("CODEXFLOW_")
            }
            let output = Pipe()
            process.standardOutput = output
            process.standardInput = FileHandle.nullDevice
            let ended = DispatchSemaphore(value: 0)
            process.terminationHandler = { _ in ended.signal() }
            try process.run()
            let id = process.processIdentifier
            Self.running.withLock { _ = $0.insert(id) }
            do {
                guard let endpoint = try Self.address(in: output) else {
                    throw BenchFailure(
                        "\(program) does not serve. Build it with the trait Server.")
                }
                (self.process, self.ended, self.endpoint) = (process, ended, endpoint)
            } catch {
                Self.end(process, ended)
                throw error
            }
        }

        /// The number of the process.
        var id: Int32 { process.processIdentifier }

        /// Ends the program, and with it the store.
        func end() { Self.end(process, ended) }

        /// Tells all servers to end.
        static func signalAll() {
            for id in running.withLock({ $0 }) { kill(id, SIGTERM) }
        }

        /// Ends a program: in order if it can, and otherwise at once.
        private static func end(_ process: Process, _ ended: DispatchSemaphore) {
            let id = process.processIdentifier
            if process.isRunning {
                process.terminate()
                if ended.wait(timeout: .now() + endTime) == .timedOut {
                    note("The server \(id) does not end in order.")
                    kill(id, SIGKILL)
                }
            }
            process.waitUntilExit()
            running.withLock { _ = $0.remove(id) }
        }

        /// The address at the end of the line that the program prints when it serves.
        private static func address(in output: Pipe) throws -> String? {
            var line = Data()
            while line.last != UInt8(ascii: "\n") {
                let byte = try output.fileHandleForReading.read(upToCount: 1) ?? Data()
                if byte.isEmpty { return nil }
                line += byte
            }
            let words = String(decoding: line.dropLast(), as: UTF8.self).split(separator: " ")
            return words.last.map(String.init)
        }
    }

    /// The signals that end this process, and the servers before it.
    enum EndingSignals {
        /// What receives the signals; only ``watch()`` changes it, at the beginning.
        nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

        /// Handles the signals from now on, to the end of the process.
        static func watch() {
            for number in [SIGTERM, SIGINT, SIGHUP] {
                #if canImport(Darwin)
                    // There, a source does not prevent what the signal does by itself.
                    signal(number, SIG_IGN)
                #endif
                let source = DispatchSource.makeSignalSource(
                    signal: number, queue: .global(qos: .userInitiated))
                source.setEventHandler {
                    Server.signalAll()
                    _exit(128 + number)
                }
                source.resume()
                sources.append(source)
            }
        }
    }
#endif
