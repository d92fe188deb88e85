#if Server
    import Foundation
    import Testing

    /// `codexflow serve --faults`, and pages of any site.
    @Suite("codexflow, serve: faults")
    struct FaultServeTests {
        private let base: CommandTests

        init() throws { base = try CommandTests() }

        /// Writes a plan of faults into a file.
        private func plan(_ json: String) throws -> String {
            let path = base.store + "-faults.json"
            try json.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }

        @Test("Requests get the faults of the file, and the program reports that it has some")
        func faults() throws {
            let path = try plan(
                #"{"seed":3,"rules":[{"fault":"throttle","operations":["PutItem"],"first":1}]}"#)
            let server = try RunningServer(
                arguments: ["--ephemeral", "--faults", path], takesErrors: true)
            #expect(try server.nextError().hasSuffix("faults by 1 rules, seed 3\n"))
            try server.makeTable()
            let put = #"{"TableName":"abc","Item":{"p":{"S":"x"}}}"#
            #expect(try server.ask("PutItem", put).contains("ThrottlingException"))
            #expect(try server.ask("PutItem", put) == "{}")
        }

        @Test("A 500 comes over HTTP with its status")
        func status() throws {
            let path = try plan(#"{"rules":[{"fault":"internalError","outcome":"before"}]}"#)
            let server = try RunningServer(arguments: ["--ephemeral", "--faults", path])
            let answer = try server.curl(
                "-w", " %{http_code}", "-H", "X-Amz-Target: DynamoDB_20120810.ListTables", "-d",
                "{}")
            #expect(answer.contains("InternalServerError") && answer.hasSuffix(" 500"))
        }

        @Test("A file that is no plan is refused with the path of the wrong value")
        func refused() throws {
            for (json, problem) in [
                (#"{"rules":[{"fault":"throttle","rate":7}]}"#, "rules[0].rate"),
                (#"{"rules":[{"fault":"throttle"}],"speed":1}"#, "speed"),
                ("rules", "is not JSON"), (String(repeating: " ", count: 1 << 21), "bytes"),
            ] {
                let path = try plan(json)
                let refused = try base.run("serve", base.store, "--port", "0", "--faults", path)
                #expect(refused.code == 1, "\(refused.errors)")
                #expect(refused.errors.contains(problem) && refused.errors.contains(path))
            }
            let missing = try base.run("serve", base.store, "--port", "0", "--faults", "/no/file")
            #expect(missing.code == 1 && missing.errors.contains("no file of faults at /no/file"))
            #expect(!FileManager.default.fileExists(atPath: base.store))
        }

        @Test("With --allow-any-origin, pages of all sites may read answers, and a line says so")
        func anyOrigin() throws {
            let server = try RunningServer(
                arguments: ["--ephemeral", "--allow-any-origin"], takesErrors: true)
            #expect(try server.nextError().contains("can read and change everything"))
            let answer = try server.curl(
                "-i", "-H", "Origin: http://a.example", "-H",
                "X-Amz-Target: DynamoDB_20120810.ListTables", "-d", "{}"
            ).lowercased()
            #expect(answer.contains("access-control-allow-origin: *"))
            let preflight = try server.curl(
                "-i", "-X", "OPTIONS", "-H", "Origin: http://a.example", "-H",
                "Access-Control-Request-Method: POST", "-H",
                "Access-Control-Request-Headers: x-amz-target"
            ).lowercased()
            #expect(preflight.hasPrefix("http/1.1 200"))
            #expect(preflight.contains("access-control-allow-headers: x-amz-target"))
        }
    }
#endif
