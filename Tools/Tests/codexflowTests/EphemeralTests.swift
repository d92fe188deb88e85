#if Server
    import Foundation
    import Testing

    #if canImport(Glibc)
        import Glibc
    #else
        import Darwin
    #endif

    /// `codexflow serve --ephemeral`: a store that goes with the program.
    @Suite("codexflow, serve: ephemeral stores")
    struct EphemeralTests {
        private let base: CommandTests

        init() throws { base = try CommandTests() }

        /// The directories that a process has made.
        private func directories(_ process: Process) -> [String] {
            ["/dev/shm", NSTemporaryDirectory()].flatMap { folder in
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                return names.filter { $0.hasPrefix("codexflow-\(process.processIdentifier)-") }
                    .map { "\(folder)/\($0)" }
            }
        }

        @Test(
            "The store is new, takes writes, and is removed at the end",
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func signals(number: Int32) throws {
            let server = try RunningServer(arguments: ["--ephemeral"])
            try server.makeTable()
            let put = #"{"TableName":"abc","Item":{"p":{"S":"x"}}}"#
            #expect(try server.ask("PutItem", put) == "{}")
            let found = directories(server.process)
            #expect(found.count == 1)
            let attributes = try FileManager.default.attributesOfItem(atPath: found[0])
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
            kill(server.process.processIdentifier, number)
            server.process.waitUntilExit()
            #expect(server.process.terminationReason == .exit)
            #expect(server.process.terminationStatus == 0)
            #expect(directories(server.process).isEmpty)
        }

        @Test("Two at once have stores of their own")
        func several() throws {
            let servers = try (0..<2).map { _ in try RunningServer(arguments: ["--ephemeral"]) }
            try servers[0].makeTable()
            #expect(try servers[1].ask("ListTables", "{}") == #"{"TableNames":[]}"#)
        }

        @Test(
            "A signal before the server runs removes the directory, too",
            arguments: [SIGTERM, SIGINT, SIGHUP])
        func early(number: Int32) throws {
            // The program waits for its schema, once the directory is there.
            let schema = base.store + "-schema"
            #expect(mkfifo(schema, 0o600) == 0)
            let process = Process()
            RunningServer.prepare(
                process, ["serve", "--ephemeral", "--port", "0", "--schema", schema],
                openFiles: nil)
            try process.run()
            let writer = open(schema, O_WRONLY)
            defer { close(writer) }
            #expect(directories(process).count == 1)
            kill(process.processIdentifier, number)
            process.waitUntilExit()
            #expect(process.terminationStatus == 128 + number)
            #expect(directories(process).isEmpty)
        }

        @Test("A start that fails leaves no directory")
        func failure() throws {
            let process = Process()
            RunningServer.prepare(
                process, ["serve", "--ephemeral", "--port", "0", "--schema", "/no/such/file"],
                openFiles: nil)
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus != 0)
            #expect(directories(process).isEmpty)
        }

        @Test("A directory and --ephemeral exclude each other, and one of them is needed")
        func usage() throws {
            let both = try base.run("serve", base.store, "--ephemeral", "--port", "0")
            #expect(both.code == 64 && both.errors.contains("Leave out the directory"))
            let none = try base.run("serve", "--port", "0")
            #expect(none.code == 64 && none.errors.contains("or give --ephemeral"))
            #expect(!FileManager.default.fileExists(atPath: base.store))
        }
    }
#endif
