#if Server
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// What a browser is answered before a page of another origin may send a request.
    @Suite("Preflight requests")
    struct PreflightTests {
        private let rules = RequestRules(boundTo: "127.0.0.1", origins: ["https://a.example"])

        /// The headers of the answer to a preflight request.
        private func answer(
            _ rules: RequestRules, _ more: [(String, String)]
        ) throws(RequestRefusal) -> HTTPHeaders? {
            let fields = [("Host", "localhost"), ("Origin", "https://a.example")] + more
            let head = HTTPRequestHead(
                version: .http1_1, method: .OPTIONS, uri: "/", headers: HTTPHeaders(fields))
            return try rules.accept(head).preflight?.answer.headers
        }

        private func answer(_ more: [(String, String)]) throws -> HTTPHeaders {
            try #require(try answer(rules, more))
        }

        @Test("The answer allows the origin, and repeats the method and the headers")
        func repeated() throws {
            let headers = try answer([
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "x-amz-target,content-type, x-other"),
            ])
            #expect(headers.first(name: "access-control-allow-origin") == "https://a.example")
            #expect(headers.first(name: "access-control-allow-methods") == "POST")
            #expect(
                headers.first(name: "access-control-allow-headers")
                    == "x-amz-target,content-type, x-other")
            #expect(headers.contains(name: "access-control-max-age"))
            #expect(headers.first(name: "access-control-expose-headers")?.contains("date") == true)
            #expect(!headers.contains(name: "access-control-allow-credentials"))
            #expect(!headers.contains(name: "access-control-allow-private-network"))
        }

        @Test(
            "Text that is no list of names is not repeated",
            arguments: ["", "*", "a\u{1}b", "a;b", "a: b", String(repeating: "a", count: 2049)])
        func refused(text: String) throws {
            let headers = try answer([
                ("Access-Control-Request-Method", text), ("Access-Control-Request-Headers", text),
            ])
            #expect(headers.first(name: "access-control-allow-methods") == "POST")
            let names = headers.first(name: "access-control-allow-headers")
            #expect(names?.contains("x-amz-target") == true)
        }

        @Test("The longest list is repeated")
        func longest() throws {
            let text = String(repeating: "a", count: Preflight.byteCountMax)
            let headers = try answer([("Access-Control-Request-Headers", text)])
            #expect(headers.first(name: "access-control-allow-headers") == text)
        }

        @Test("A page of a public site may reach a private network if its origin is allowed")
        func privateNetwork() throws {
            let headers = try answer([("Access-Control-Request-Private-Network", "true")])
            #expect(headers.first(name: "access-control-allow-private-network") == "true")
        }

        @Test("Without an allowed origin, a preflight request is refused")
        func others() {
            let closed = RequestRules(boundTo: "127.0.0.1")
            #expect(throws: RequestRefusal.self) { try answer(closed, []) }
        }

        @Test("With any origin allowed, all origins get the same answer")
        func anyOrigin() throws {
            let open = RequestRules(boundTo: "127.0.0.1", allowsAnyOrigin: true)
            let headers = try #require(try answer(open, []))
            #expect(headers.first(name: "access-control-allow-origin") == "*")
        }

        @Test("The health check names the allowed origin, too")
        func health() {
            let name = "access-control-allow-origin"
            #expect(HTTPAnswer.health("https://a.example").headers.first(name: name) != nil)
            #expect(!HTTPAnswer.health(nil).headers.contains(name: name))
        }
    }
#endif
