#if Server
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// Which heads of requests are taken.
    @Suite("Rules of requests")
    struct RequestRulesTests {
        private let rules = RequestRules(
            boundTo: "0.0.0.0", hosts: ["db.example", "2001:DB8::1"],
            origins: ["https://a.example"])

        private static let usual = [
            ("Host", "localhost:8000"), ("Content-Type", "application/x-amz-json-1.0"),
            ("Content-Length", "2"),
        ]

        private func head(
            _ method: HTTPMethod = .POST, without name: String = "",
            with more: [(String, String)] = [], uri: String = "/",
            version: HTTPVersion = .http1_1
        ) -> HTTPRequestHead {
            HTTPRequestHead(
                version: version, method: method, uri: uri,
                headers: HTTPHeaders(Self.usual.filter { $0.0 != name } + more))
        }

        /// The status of the refusal; `nil` if the head is taken.
        private func refusal(_ head: HTTPRequestHead, localAddress: String? = nil) -> Int? {
            do throws(RequestRefusal) {
                _ = try rules.accept(head, localAddress: localAddress)
                return nil
            } catch {
                return error.status
            }
        }

        private func refusal(host: String, localAddress: String? = nil) -> Int? {
            refusal(head(without: "Host", with: [("Host", host)]), localAddress: localAddress)
        }

        @Test(
            "Loopback names and addresses, and those that were allowed, are hosts",
            arguments: [
                "localhost", "LocalHost.", "localhost:1", "localhost:", "127.0.0.1", "127.1.2.3:99",
                "[::1]", "[0:0:0:0:0:0:0:1]:8000", "[::ffff:127.0.0.1]", "db.example:443",
                "DB.Example", "[2001:db8:0::1]:8000",
            ])
        func hosts(host: String) {
            #expect(refusal(host: host) == nil)
        }

        @Test(
            "Other names and addresses are refused",
            arguments: [
                "a.example", "localhost.a.example", "alocalhost", "127.0.0.1.a.example",
                "128.0.0.1", "[::2]", "[2001:db8::2]", "10.0.0.1", "2130706433", "0x7f000001",
            ])
        func otherHosts(host: String) {
            #expect([400, 403].contains(refusal(host: host)))
        }

        @Test(
            "What is no host is refused",
            arguments: [
                "", " ", "a b", "localhost:x", "localhost:123456", "[::1", "::1", "[127.0.0.1]",
                "[::1]x", "localhost/", "user@localhost", ".", String(repeating: "a", count: 300),
            ])
        func noHosts(host: String) {
            #expect(refusal(host: host) == 400)
        }

        @Test("The address that the client connected to is a host")
        func localAddress() {
            #expect(refusal(host: "192.0.2.1:80", localAddress: "192.0.2.1") == nil)
            #expect(refusal(host: "192.0.2.1", localAddress: "::ffff:192.0.2.1") == nil)
            #expect(refusal(host: "192.0.2.2", localAddress: "192.0.2.1") == 403)
        }

        @Test("A target in absolute form names a host of the server, as the Host does")
        func absoluteTargets() {
            for uri in ["http://localhost/", "HTTP://127.0.0.1:8000", "http://db.example/"] {
                #expect(refusal(head(uri: uri)) == nil, "\(uri)")
            }
            #expect(refusal(head(uri: "http://a.example/")) == 403)
            for uri in ["http:///", "http://", "http://a@localhost/", "http://localhost?a/"] {
                #expect(refusal(head(uri: uri)) == 400, "\(uri)")
            }
            let other = [("Host", "a.example")]
            #expect(refusal(head(without: "Host", with: other, uri: "http://localhost/")) == 403)
            #expect(refusal(head(without: "Host", uri: "http://localhost/")) == 400)
        }

        @Test("HTTP/1.0 needs a Host, too")
        func oldHTTP() {
            let local = head(without: "Host", version: .http1_0)
            #expect(refusal(local, localAddress: "127.0.0.1") == 400)
        }

        @Test("A request has one Host, and one of all headers that say what it means")
        func once() {
            #expect(refusal(head(without: "Host")) == 400)
            for name in [
                "host", "Content-Type", "Content-Length", "X-Amz-Target", "Authorization",
                "X-Amz-Date", "Content-Encoding", "Origin", "Transfer-Encoding",
            ] {
                #expect(refusal(head(with: [(name, "a"), (name, "a")])) == 400, "\(name)")
            }
        }

        @Test("Pages are refused unless their origin is allowed")
        func origins() throws {
            for origin in ["http://a.example", "https://a.example.b", "null", ""] {
                #expect(refusal(head(with: [("Origin", origin)])) == 403)
            }
            let allowed = try rules.accept(head(with: [("Origin", "https://A.example")]))
            #expect(allowed.origin == "https://A.example")
            #expect(refusal(head(.OPTIONS, without: "Content-Length")) == 405)
            let preflight = head(
                .OPTIONS, without: "Content-Length", with: [("Origin", "https://a.example")])
            #expect(try rules.accept(preflight).route == .preflight)
        }

        @Test("Any origin is allowed if the server is told so; hosts are checked as before")
        func anyOrigin() throws {
            let open = RequestRules(boundTo: "0.0.0.0", allowsAnyOrigin: true)
            for origin in ["http://a.example", "http://example.com/", "null"] {
                let accepted = try open.accept(head(with: [("Origin", origin)]))
                #expect(accepted.origin == "*")
            }
            let other = [("Host", "a.example"), ("Origin", "http://a.example")]
            #expect(throws: RequestRefusal.self) {
                try open.accept(head(without: "Host", with: other))
            }
        }

        @Test("A page of an allowed origin may read why its request is refused; others may not")
        func readableRefusals() {
            func origin(_ head: HTTPRequestHead) -> String? {
                do throws(RequestRefusal) {
                    _ = try rules.accept(head)
                    return nil
                } catch {
                    return HTTPAnswer(error).headers.first(name: "access-control-allow-origin")
                }
            }
            let page = ("Origin", "https://a.example")
            #expect(origin(head(without: "Content-Type", with: [page])) == page.1)
            #expect(origin(head(with: [page], uri: "/other")) == page.1)
            #expect(origin(head(.DELETE, with: [page])) == page.1)
            let length = [page, ("Content-Length", "x")]
            #expect(origin(head(without: "Content-Length", with: length)) == page.1)
            #expect(origin(head(with: [("Origin", "https://b.example")])) == nil)
            #expect(origin(head(without: "Host", with: [page, ("Host", "b.example")])) == nil)
            #expect(origin(head(without: "Content-Type")) == nil)
        }

        @Test("The request line and the headers have 16 KiB together", arguments: -1...1)
        func headSize(difference: Int) {
            let lines = ["POST / HTTP/1.1", ""] + Self.usual.map { "\($0.0): \($0.1)" }
            let usual = lines.reduce(0) { $0 + $1.utf8.count + 2 }
            let room = RequestRules.headByteCountMax - usual
            let value = String(repeating: "x", count: room - "A: \r\n".utf8.count + difference)
            #expect(refusal(head(with: [("A", value)])) == (difference > 0 ? 400 : nil))
            // Many headers are the same as a long one.
            let count = room / "A: \r\n".utf8.count
            let rest = room - count * "A: \r\n".utf8.count + difference
            var many = Array(repeating: ("A", ""), count: count)
            many[0].1 = String(repeating: "x", count: max(0, rest))
            if rest < 0 { many.removeLast() }
            #expect(refusal(head(with: many)) == (difference > 0 ? 400 : nil))
            let uri = "/" + String(repeating: "x", count: room + difference)
            #expect(refusal(head(uri: uri)) == (difference > 0 ? 400 : 404))
        }

        @Test("The type of the content is that of AWS's clients, which forms cannot have")
        func contentTypes() {
            func status(_ type: String) -> Int? {
                refusal(head(without: "Content-Type", with: [("Content-Type", type)]))
            }
            #expect(status("application/x-amz-json-1.0; charset=utf-8") == nil)
            #expect(status("Application/X-Amz-JSON-1.0") == nil)
            for type in [
                "", "text/plain", "application/json", "application/x-amz-json-1.1",
                "text/plain; application/x-amz-json-1.0",
            ] {
                #expect(status(type) == 415, "\(type)")
            }
            #expect(refusal(head(without: "Content-Type")) == 415)
        }

        @Test("The length of a body is known in one way, and within the limit")
        func framing() throws {
            func status(_ length: String) -> Int? {
                refusal(head(without: "Content-Length", with: [("Content-Length", length)]))
            }
            let limit = RequestRules.bodyByteCountMax
            #expect(status("\(limit - 1)") == nil)
            #expect(status("\(limit)") == nil)
            #expect(status("\(limit + 1)") == 413)
            #expect(status(String(repeating: "9", count: 50)) == 413)
            for length in ["", "-1", "+1", "1 1", "0x1", "1,1"] { #expect(status(length) == 400) }
            let chunked = [("Transfer-Encoding", "chunked")]
            #expect(refusal(head(with: chunked)) == 400)
            #expect(refusal(head(without: "Content-Length", with: chunked)) == nil)
            let old = head(without: "Content-Length", with: chunked, version: .http1_0)
            #expect(refusal(old) == 400)
            let packed = [("Transfer-Encoding", "gzip, chunked")]
            #expect(refusal(head(without: "Content-Length", with: packed)) == 400)
            #expect(refusal(head(.GET)) == 400)
            #expect(try rules.accept(head(.GET, without: "Content-Length")).route == .health)
        }

        @Test("Other paths and methods are refused")
        func routes() {
            for uri in ["/a", "//", "*", "http://localhost/a", "https://localhost/", "/?a", ""] {
                #expect(refusal(head(uri: uri)) == 404, "\(uri)")
            }
            for method in [HTTPMethod.PUT, .DELETE, .HEAD, .CONNECT, .RAW(value: "A")] {
                #expect(refusal(head(method)) == 405, "\(method)")
            }
        }

        @Test("Connections of HTTP/1.0, and those that are to end or to change, end")
        func endings() throws {
            #expect(try !rules.accept(head()).closes)
            #expect(try rules.accept(head(with: [("Connection", "close")])).closes)
            #expect(try rules.accept(head(with: [("Upgrade", "h2c")])).closes)
            let old = head(with: [("Connection", "keep-alive")], version: .http1_0)
            #expect(try rules.accept(old).closes)
        }
    }
#endif
