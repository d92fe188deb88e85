#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Checksums, compression and limits of answers.
    @Suite("Answers")
    struct AnswerTests {
        private static let body = Array(
            #"{"Item":{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"1"}}}"#.utf8)

        private func get(
            _ body: [UInt8], _ headers: [(name: String, value: String)]
        ) async throws -> Result<Item?, CodexError> {
            let scene = try Scene([
                { _ in
                    TransportResponse(status: 200, headers: headers, body: body)
                }
            ]) { $0.responseByteCountMax = 1000 }
            do {
                return .success(try await scene.table.get(Scene.key))
            } catch let error as CodexError {
                return .failure(error)
            }
        }

        @Test("A checksum of the answer must fit, and may be missing")
        func checksums() async throws {
            let right = Compression.checksum(Self.body)
            #expect(try await get(Self.body, []).get() == Scene.item)
            let header = (name: "X-Amz-Crc32", value: "\(right)")
            #expect(try await get(Self.body, [header]).get() == Scene.item)
            let wrong = try await get(Self.body, [(name: "x-amz-crc32", value: "\(right ^ 1)")])
            #expect(throws: CodexError(.invalidResponse, "")) { try wrong.get() }
            var damaged = Self.body
            damaged[12] ^= 1
            let other = try await get(damaged, [header])
            #expect(throws: CodexError(.invalidResponse, "")) { try other.get() }
        }

        @Test("A compressed answer is checked before or after decompression, and has a limit")
        func compression() async throws {
            let packed = try Compression.gzip(Self.body)
            let coding = (name: "Content-Encoding", value: "gzip")
            for checked in [packed, Self.body] {
                let sum = (name: "x-amz-crc32", value: "\(Compression.checksum(checked))")
                #expect(try await get(packed, [coding, sum]).get() == Scene.item)
            }
            let cut = try await get(Array(packed.dropLast()), [coding])
            #expect(throws: CodexError(.invalidResponse, "")) { try cut.get() }
            let blank = [UInt8](repeating: 0x20, count: 1000 - Self.body.count)
            for (more, isRead) in [(0, true), (1, false)] {
                let body = Self.body + blank + [UInt8](repeating: 0x20, count: more)
                let result = try await get(try Compression.gzip(body), [coding])
                #expect(((try? result.get()) != nil) == isRead)
            }
        }

        @Test("A refusal with a wrong checksum is a damaged answer, which is repeated for a read")
        func damagedRefusal() async throws {
            let body = #"{"__type":"a#ValidationException","message":"m"}"#
            let sum = Compression.checksum(Array(body.utf8))
            for (checksum, count) in [(sum, 1), (sum ^ 1, 2)] {
                let scene = try Scene([
                    FakeTransport.answer(body, status: 400, ["x-amz-crc32": "\(checksum)"]),
                    FakeTransport.answer(),
                ])
                let error = await Scene.error { _ = try await scene.table.get(Scene.key) }
                #expect(error?.code == (count == 1 ? .invalidArgument : nil))
                #expect(scene.transport.requests.count == count)
            }
        }

        @Test("What is no JSON of the protocol is an error, and never traps")
        func foreign() async throws {
            for text in ["", "{", "<html>", #"{"Item":{"pk":1}}"#, #"{"Item":[]}"#] {
                let result = try await get(Array(text.utf8), [])
                #expect(throws: CodexError(.invalidResponse, "")) { try result.get() }
            }
            #expect(try await get(Array("[]".utf8), []).get() == nil)
        }

        @Test("The request says how large an answer may be, and whether it may be compressed")
        func request() async throws {
            for accepts in [false, true] {
                let scene = try Scene([FakeTransport.answer()]) {
                    $0.responseByteCountMax = 77
                    $0.acceptsGzip = accepts
                }
                _ = try await scene.table.get(Scene.key)
                let request = try #require(scene.transport.requests.first)
                #expect(request.responseByteCountMax == 77)
                let coding = request.headers.first { $0.name == "accept-encoding" }?.value
                #expect(coding == (accepts ? "gzip" : nil))
            }
        }
    }
#endif
