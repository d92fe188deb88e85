#if Server
    import CodexSignatures
    import Crypto
    import Foundation
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// Signature Version 4 before and after anything is known of the signer.
    @Suite("Signatures")
    struct AuthorizationTests {
        private static let names = ["host", "x-amz-date", "x-amz-target"]
        private static let scope = "20261128/us-east-1/dynamodb/aws4_request"

        private static func header(
            names: [String] = Self.names, scope: String = Self.scope,
            signature: String = String(repeating: "0a", count: 32)
        ) -> String {
            "AWS4-HMAC-SHA256 Credential=KEY/\(scope), SignedHeaders="
                + "\(names.joined(separator: ";")), Signature=\(signature)"
        }

        /// So many names in ascending order, with those that are required.
        private static func ascending(_ count: Int) -> [String] {
            let more = (0..<(count - names.count)).map { "a\(1000 + $0)" }
            return (more + names).sorted()
        }

        @Test("A header of AWS's clients is read")
        func reads() throws {
            let read = try #require(AuthorizationHeader(Self.header()))
            #expect(read.accessKeyID == "KEY" && read.scope.region == "us-east-1")
            #expect(read.scope.text == Self.scope && read.signedHeaders == Self.names)
            #expect(read.signature == [UInt8](repeating: 0x0A, count: 32))
            let close = Self.header().replacingOccurrences(of: ", ", with: ",")
            #expect(AuthorizationHeader(close) == read)
        }

        @Test("Signed headers are few, sorted, unique, in lower case, with the required ones")
        func signedHeaders() {
            for (count, isRead) in [(63, true), (64, true), (65, false)] {
                let header = Self.header(names: Self.ascending(count))
                #expect((AuthorizationHeader(header) != nil) == isRead, "\(count)")
            }
            let names = Self.names
            let refused: [[String]] = [
                names.reversed(), names + ["x-amz-target"], ["host"] + names,
                names.map { $0.uppercased() }, names + [""], names + ["z z"], [],
                ["x-amz-date", "x-amz-target"], ["host", "x-amz-target"], ["host", "x-amz-date"],
                Array(repeating: "host", count: 19_000) + names,
            ]
            for names in refused {
                #expect(AuthorizationHeader(Self.header(names: names)) == nil, "\(names.prefix(5))")
            }
            #expect(
                AuthorizationHeader(Self.header(names: ["date", "host", "x-amz-target"])) != nil)
        }

        @Test("The header has a bound")
        func length() {
            let bound = AuthorizationHeader.byteCountMax
            for (count, isRead) in [(bound - 1, true), (bound, true), (bound + 1, false)] {
                let rest = count - Self.header(names: ["a"] + Self.names).utf8.count
                let names = [String(repeating: "a", count: rest + 1)] + Self.names
                let header = Self.header(names: names)
                #expect(header.utf8.count == count)
                #expect((AuthorizationHeader(header) != nil) == isRead, "\(count)")
            }
        }

        @Test(
            "Scopes of other services, and what is no scope, are refused",
            arguments: [
                "20261128/us-east-1/s3/aws4_request", "20261128/us-east-1/dynamodb/aws5_request",
                "20261128/us-east-1/dynamodb", "20261128/us-east-1/dynamodb/aws4_request/x",
                "2026112/us-east-1/dynamodb/aws4_request", "20261128//dynamodb/aws4_request",
                "2026112x/us-east-1/dynamodb/aws4_request", "20261128/US/dynamodb/aws4_request", "",
            ])
        func scopes(scope: String) {
            #expect(AuthorizationHeader(Self.header(scope: scope)) == nil)
        }

        @Test("What is cut, doubled or foreign is refused")
        func malformed() {
            let whole = Self.header()
            for count in 0..<whole.count {
                #expect(AuthorizationHeader(String(whole.prefix(count))) == nil, "\(count)")
            }
            let refused: [String] = [
                whole + ", Signature=", whole + ",", "AWS4-HMAC-SHA512" + whole.dropFirst(16),
                whole.replacingOccurrences(of: "SignedHeaders", with: "Signature"),
                Self.header(signature: String(repeating: "0A", count: 32)),
                Self.header(signature: String(repeating: "0", count: 63)),
                Self.header(signature: String(repeating: "0", count: 65)),
                Self.header(signature: String(repeating: "g", count: 64)),
            ]
            for header in refused { #expect(AuthorizationHeader(header) == nil, "\(header)") }
        }

        @Test("What is signed is no longer than the request: 500 random ones")
        func linear() throws {
            let seed = UInt64.random(in: 1...1_000_000)
            print("canonical requests: seed \(seed)")
            var random = SeededNumbers(seed: seed)
            for _ in 0..<500 {
                let names = Self.ascending(Int.random(in: 3...64, using: &random))
                var headers = HTTPHeaders(names.map { ($0, "a") })
                for _ in 0..<Int.random(in: 0...200, using: &random) {
                    let value = String(
                        repeating: ["a", " ", "a  b "].randomElement(using: &random) ?? "",
                        count: Int.random(in: 0...100, using: &random))
                    headers.add(name: names.randomElement(using: &random) ?? "", value: value)
                }
                let hash = String(repeating: "0", count: 64)
                let request = CanonicalRequest(headers, signing: names, bodyHash: hash)
                let text = try #require(request).text
                let sent = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
                let bound = sent + 3 * names.joined(separator: ";").utf8.count + 100
                #expect(text.utf8.count <= bound, "seed \(seed)")
            }
        }

        // MARK: Verifying

        private static let now = Date(timeIntervalSince1970: 1_795_833_000)

        private let credentials = Credentials(
            accessKeyID: "KEY", secretKey: "SECRET", region: "us-east-1", now: { Self.now })

        /// Headers of a request, and their signature by a second implementation.
        private func signed(
            _ secretKey: String, _ headers: [(String, String)], bodyHash: String
        ) -> String {
            let lines = headers.map { "\($0.0):\($0.1)\n" }.joined()
            let names = headers.map(\.0)
            let request =
                "POST\n/\n\n\(lines)\n\(names.joined(separator: ";"))\n\(bodyHash)"
            let date = headers.first { $0.0 == "x-amz-date" }?.1 ?? ""
            let text =
                "AWS4-HMAC-SHA256\n\(date)\n\(Self.scope)\n"
                + Data(SHA256.hash(data: Data(request.utf8))).hexadecimal
            var key = Data("AWS4\(secretKey)".utf8)
            for part in Self.scope.split(separator: "/") + [text[...]] {
                key = Data(
                    HMAC<SHA256>.authenticationCode(
                        for: Data(part.utf8), using: SymmetricKey(data: key)))
            }
            return Self.header(names: names, signature: key.hexadecimal)
        }

        @Test("The key of a scope is the same each time, also after others: 20 scopes")
        func signingKeys() throws {
            let keys = SigningKeys("SECRET")
            for round in 0..<60 {
                let scope = "202611\(10 + round % 20)/us-east-1/dynamodb/aws4_request"
                let header = try #require(AuthorizationHeader(Self.header(scope: scope)))
                var expected = SymmetricKey(data: Data("AWS4SECRET".utf8))
                for part in scope.split(separator: "/") {
                    expected = SymmetricKey(
                        data: HMAC<SHA256>.authenticationCode(
                            for: Data(part.utf8), using: expected))
                }
                let text = Data("text \(round)".utf8)
                let code = HMAC<SHA256>.authenticationCode(for: text, using: expected)
                // The second time, the key is known.
                for _ in 0..<2 {
                    var known = keys.code(for: header)
                    known.update(data: text)
                    #expect(known.finalize() == code, "\(scope)")
                }
            }
        }

        private func refusal(
            _ header: String, _ headers: [(String, String)], bodyHash: String
        ) -> String? {
            do throws(RequestRefusal) {
                let authorization = try credentials.signer(header)
                try credentials.verify(authorization, HTTPHeaders(headers), bodyHash: bodyHash)
                return nil
            } catch {
                return error.type
            }
        }

        @Test("A request is taken as it was signed, and no other")
        func verifies() {
            let headers = [
                ("host", "localhost"), ("x-amz-date", "20261128T022000Z"), ("x-amz-target", "a b"),
            ]
            let hash = Data(SHA256.hash(data: Data("{}".utf8))).hexadecimal
            let header = signed("SECRET", headers, bodyHash: hash)
            #expect(refusal(header, headers, bodyHash: hash) == nil)
            let spaced = [headers[0], headers[1], ("X-Amz-Target", "  a   b ")]
            #expect(refusal(header, spaced, bodyHash: hash) == nil)
            let other = Data(SHA256.hash(data: Data("[]".utf8))).hexadecimal
            #expect(refusal(header, headers, bodyHash: other) == "InvalidSignatureException")
            for place in headers.indices {
                var changed = headers
                changed[place].1 += "x"
                #expect(
                    refusal(header, changed, bodyHash: hash) == "InvalidSignatureException")
                changed.remove(at: place)
                #expect(
                    refusal(header, changed, bodyHash: hash) == "InvalidSignatureException")
            }
            let forged = signed("GUESS", headers, bodyHash: hash)
            #expect(refusal(forged, headers, bodyHash: hash) == "InvalidSignatureException")
        }

        @Test("Other keys and regions are refused before the body")
        func signers() {
            let header = Self.header()
            #expect(throws: Never.self) { try credentials.signer(header) }
            let other = header.replacingOccurrences(of: "KEY", with: "YEK")
            #expect(refusal(other, [], bodyHash: "") == "UnrecognizedClientException")
            let remote = header.replacingOccurrences(of: "us-east-1", with: "us-east-2")
            #expect(refusal(remote, [], bodyHash: "") == "InvalidSignatureException")
            #expect(refusal("", [], bodyHash: "") == "IncompleteSignatureException")
        }

        @Test("A signature holds for a quarter of an hour")
        func skew() {
            for (seconds, isTaken) in [(-901, false), (-900, true), (900, true), (901, false)] {
                let instant = Self.now.addingTimeInterval(TimeInterval(seconds))
                let parts = instant.ISO8601Format().filter { $0 != "-" && $0 != ":" }
                let headers = [
                    ("host", "localhost"), ("x-amz-date", parts), ("x-amz-target", "a"),
                ]
                let header = signed("SECRET", headers, bodyHash: "0")
                #expect((refusal(header, headers, bodyHash: "0") == nil) == isTaken, "\(seconds)")
            }
        }
    }

    extension Data {
        fileprivate var hexadecimal: String {
            map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// Random numbers that a seed determines: SplitMix64.
    struct SeededNumbers: RandomNumberGenerator {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }
#endif
