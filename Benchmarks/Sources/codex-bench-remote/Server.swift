#if Remote
    import Foundation

    /// `codexflow serve` on a free port of this machine, with a store that ends with it.
    ///
    /// Call ``end()``: nothing else ends the process.
    final class Server {
        let endpoint: String
        private let process: Process

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
            process.standardError = FileHandle.nullDevice
            try process.run()
            guard let endpoint = try Self.address(in: output) else {
                process.terminate()
                throw BenchFailure("\(program) does not serve. Build it with the trait Server.")
            }
            (self.process, self.endpoint) = (process, endpoint)
        }

        /// Ends the program, and with it the store.
        func end() {
            process.terminate()
            process.waitUntilExit()
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
#endif
