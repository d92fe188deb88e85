#if Server
    import CodexSignatures
    import Foundation
    import NIOCore
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// The parsers of a request's head beside plain forms of the same rules.
    @Suite("Parsers of heads")
    struct SignedHeadTests {
        // MARK: Authorization

        private static let header =
            "AWS4-HMAC-SHA256 Credential=KEY/20261128/us-east-1/dynamodb/aws4_request, "
            + "SignedHeaders=host;x-amz-date;x-amz-target, Signature="
            + String(repeating: "0a", count: 32)

        /// What a header of ASCII says, by the splits of its text.
        private struct PlainHeader: Equatable {
            var id, day, region, service, scope: String
            var names: [String]
            var signature: String

            init(_ header: AuthorizationHeader) {
                id = header.accessKeyID
                (day, region) = (header.scope.day, header.scope.region)
                (service, scope) = (header.scope.service, header.scope.text)
                names = header.signedHeaders
                signature = header.signature.map { byte in
                    (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }.joined()
            }

            init?(_ text: String) {
                guard text.utf8.count <= 4096, text.hasPrefix("AWS4-HMAC-SHA256 ") else {
                    return nil
                }
                var fields: [String: String] = [:]
                let parts = text.dropFirst(16).split(
                    separator: ",", omittingEmptySubsequences: false)
                for part in parts {
                    let field = part.drop { $0 == " " }
                    guard let equals = field.firstIndex(of: "=") else { return nil }
                    fields[String(field[..<equals])] = String(field[equals...].dropFirst())
                }
                guard parts.count == 3, let credential = fields["Credential"],
                    let names = fields["SignedHeaders"], let signature = fields["Signature"]
                else { return nil }
                let scope = Self.split(credential, "/")
                guard scope.count == 5, scope[4] == "aws4_request", !scope[0].isEmpty,
                    scope[1].count == 8, scope[1].allSatisfy({ ("0"..."9").contains($0) }),
                    (1...64).contains(scope[2].count), Self.isName(scope[2]),
                    ["dynamodb", "dynamodbstreams"].contains(scope[3])
                else { return nil }
                (id, day, region, service) = (scope[0], scope[1], scope[2], scope[3])
                self.scope = scope[1...].joined(separator: "/")
                self.names = Self.split(names, ";")
                self.signature = signature
                guard self.names.count <= 64,
                    self.names.allSatisfy({ !$0.isEmpty && Self.isName($0) }),
                    self.names == Array(Set(self.names)).sorted(),
                    Set(self.names).isSuperset(of: ["host", "x-amz-target"]),
                    !Set(self.names).isDisjoint(with: ["date", "x-amz-date"]),
                    signature.count == 64,
                    signature.allSatisfy({ "0123456789abcdef".contains($0) })
                else { return nil }
            }

            private static func split(_ text: String, _ separator: Character) -> [String] {
                text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
            }

            private static func isName(_ text: String) -> Bool {
                text.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-_".contains($0) }
            }
        }

        private func expectSame(_ text: String, _ comment: String) {
            let read = AuthorizationHeader(text).map { PlainHeader($0) }
            #expect(read == PlainHeader(text), "\(comment): \(text)")
        }

        @Test("A header that is cut, or differs in a byte at any place, is judged by the rules")
        func everyPlace() {
            #expect(AuthorizationHeader(Self.header) != nil)
            let bytes = Array(Self.header.utf8)
            for place in bytes.indices {
                expectSame(String(decoding: bytes[..<place], as: UTF8.self), "cut")
                expectSame(String(decoding: bytes[place...], as: UTF8.self), "rest")
                var changed = bytes
                changed.remove(at: place)
                expectSame(String(decoding: changed, as: UTF8.self), "removed")
                for byte in " ,;=/-_aAz09g".utf8 {
                    changed = bytes
                    changed[place] = byte
                    expectSame(String(decoding: changed, as: UTF8.self), "changed")
                    changed.insert(bytes[place], at: place)
                    expectSame(String(decoding: changed, as: UTF8.self), "inserted")
                }
            }
        }

        @Test("Headers of random pieces are judged by the rules: 5,000 of them")
        func pieces() {
            let seed = UInt64.random(in: 1...1_000_000)
            print("headers: seed \(seed)")
            var random = SeededNumbers(seed: seed)
            let hash = String(repeating: "0f", count: 32)
            let names = ["host", "x-amz-target", "x-amz-date", "date", "a", "", "B", "z_9"]
            let starts = ["", " ", "  ", "x", "\t"]
            for _ in 0..<5000 {
                let count = Int.random(in: 0...6, using: &random)
                var signed = names.shuffled(using: &random).prefix(count)
                if Bool.random(using: &random) { signed.sort() }
                let credential = [
                    ["KEY", "a=b", ""], ["20261128", "2026112"], ["us-east-1", "", "US"],
                    ["dynamodb", "dynamodbstreams", "s3"], ["aws4_request", "aws4_request/"],
                ].map { choices in
                    Bool.random(using: &random)
                        ? choices[0] : choices[Int.random(in: 0..<choices.count, using: &random)]
                }
                var fields = [
                    "Credential=" + credential.joined(separator: "/"),
                    "SignedHeaders=" + signed.joined(separator: ";"), "Signature=" + hash,
                ]
                if Bool.random(using: &random) { fields.shuffle(using: &random) }
                if Int.random(in: 0..<10, using: &random) == 0 {
                    fields[0] = fields[Int.random(in: 0..<3, using: &random)]
                }
                let text = fields.map { field in
                    (starts.randomElement(using: &random) ?? "") + field
                }.joined(separator: ",")
                expectSame("AWS4-HMAC-SHA256 " + text, "seed \(seed)")
            }
        }

        @Test("A mark on the space or the name of a field is a part of neither")
        func marks() {
            for place in ["256 ", "256 Credential", "Signature"] {
                let marked = Self.header.replacingOccurrences(of: place, with: place + "\u{301}")
                #expect(AuthorizationHeader(marked) == nil, "\(place)")
            }
        }

        // MARK: Canonical requests

        @Test("Values are joined, trimmed and folded as in AWS's description: 2,000 random heads")
        func canonicalRequests() {
            let seed = UInt64.random(in: 1...1_000_000)
            print("canonical requests: seed \(seed)")
            var random = SeededNumbers(seed: seed)
            let names = ["a", "host", "x-amz-date", "z_1"]
            let values = [
                "", " ", "a", " a", "a ", "a b", "a  b", "  a   b  ", "é  ü", "a\tb", "=,;",
            ]
            for _ in 0..<2000 {
                var headers = HTTPHeaders()
                for _ in 0..<Int.random(in: 0...8, using: &random) {
                    let name = names.randomElement(using: &random) ?? ""
                    headers.add(
                        name: Bool.random(using: &random) ? name : name.uppercased(),
                        value: values.randomElement(using: &random) ?? "")
                }
                let lines = names.compactMap { name -> String? in
                    let values = headers[name].map {
                        $0.split(separator: " ").joined(separator: " ")
                    }
                    return values.isEmpty ? nil : "\(name):\(values.joined(separator: ","))\n"
                }
                let plain =
                    "POST\n/\n\n\(lines.joined())\n\(names.joined(separator: ";"))\nhash"
                let request = CanonicalRequest(headers, signing: names, bodyHash: "hash")
                #expect(
                    request?.text == (lines.count == names.count ? plain : nil), "seed \(seed)")
            }
        }

        // MARK: Hosts

        @Test("IPv4 addresses are those of the system: 20,000 random texts")
        func addresses() {
            let seed = UInt64.random(in: 1...1_000_000)
            print("addresses: seed \(seed)")
            var random = SeededNumbers(seed: seed)
            let numbers = ["0", "1", "9", "10", "99", "127", "255", "256", "00", "01", "", "1000"]
            for _ in 0..<20_000 {
                let count = Int.random(in: 0..<10, using: &random) == 0 ? 3 : 4
                let text = (0..<count).map { _ in
                    numbers.randomElement(using: &random) ?? ""
                }.joined(separator: ".")
                let address = try? SocketAddress(ipAddress: text, port: 0)
                #expect(HostName.isUsualIPv4(text) == (address?.ipAddress == text), "\(text)")
            }
            for text in ["1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1.2.3.a", "::1", ""] {
                #expect(!HostName.isUsualIPv4(text), "\(text)")
            }
        }

        // MARK: Fields

        @Test("A header is found by its name in any case, and by no other name")
        func fields() {
            #expect(HeadField.allCases.count == HeadField.names.count)
            #expect(Set(HeadField.names).count == HeadField.names.count)
            for field in HeadField.allCases {
                for name in [field.name, field.name.uppercased(), field.name.capitalized] {
                    #expect(HeadField(name) == field, "\(name)")
                }
                for offset in 0..<field.name.utf8.count {
                    var bytes = Array(field.name.utf8)
                    // The bit that tells capital letters is another one.
                    bytes[offset] ^= 0x40
                    #expect(HeadField(String(decoding: bytes, as: UTF8.self)) == nil)
                    bytes.remove(at: offset)
                    #expect(HeadField(String(decoding: bytes, as: UTF8.self)) == nil)
                }
            }
            // These differ from letters only in the bit of capital letters.
            #expect(!"@[".isHeaderName("`{") && !"`{".isHeaderName("@["))
        }

        // MARK: Identifiers of answers

        @Test("Identifiers have the form of a UUID, and none comes twice: 10,000 of them")
        func identifiers() {
            let all = (0..<10_000).map { _ in RequestID.next() }
            #expect(Set(all).count == all.count)
            for text in all { #expect(UUID(uuidString: text)?.uuidString == text) }
            #expect(RequestID.text(0, 0) == "00000000-0000-4000-8000-000000000000")
            #expect(RequestID.text(.max, .max) == "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF")
            #expect(
                RequestID.text(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)
                    == "01234567-89AB-4DEF-BEDC-BA9876543210")
        }
    }
#endif
