#if Server
    import CodexCore
    import CodexDynamoDB
    import CodexStore
    import CodexTesting
    import Foundation
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// Requests without a network: packed, large, late, and beyond the memory.
    @Suite("Endpoint")
    struct EndpointTests {
        private let temporary: TemporaryStore
        private static let workers = WorkerPool(threadCount: 2)

        init() throws {
            temporary = try TemporaryStore(schema: Schema(tables: []))
        }

        private func endpoint(memory: Int = 64 << 20) -> Endpoint {
            Endpoint(
                DynamoDBService(temporary.store), credentials: nil,
                rules: RequestRules(boundTo: "127.0.0.1"), memory: MemoryBudget(limit: memory),
                workers: Self.workers, timeout: .seconds(600))
        }

        private func ask(
            _ endpoint: Endpoint, _ operation: String, _ body: [UInt8], encoding: String? = nil,
            acceptsGzip: Bool = false, clock: RequestClock = RequestClock(.seconds(600))
        ) async -> HTTPAnswer {
            let memory = MemoryReservation(endpoint.memory)
            _ = memory.grow(by: body.count)
            return await endpoint.answer(
                ReceivedRequest(
                    AcceptedHead(
                        target: "DynamoDB_20120810." + operation, contentEncoding: encoding,
                        acceptsGzip: acceptsGzip),
                    body: body, memory: memory), clock)
        }

        private func text(_ answer: HTTPAnswer) -> String {
            String(decoding: answer.parts.joined(), as: UTF8.self)
        }

        private func makeTable(_ endpoint: Endpoint) async {
            let answer = await ask(
                endpoint, "CreateTable",
                Array(
                    """
                    {"TableName":"table","BillingMode":"PAY_PER_REQUEST",
                    "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
                    "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}
                    """.utf8))
            #expect(answer.status == 200)
        }

        @Test("A body unpacks to 256 KiB, and to eight times its size; no further")
        func expansion() throws {
            let limit = RequestRules.bodyByteCountMax
            #expect(Gzip.byteCountMax(0, limit: limit) == 256 << 10)
            #expect(Gzip.byteCountMax(1000, limit: limit) == 256 << 10 + 8_000)
            #expect(Gzip.byteCountMax(limit, limit: limit) == limit)
            let packed = try #require(Gzip.deflated([UInt8](repeating: 0x20, count: 200_000)))
            for (limit, isUnpacked) in [(199_999, false), (200_000, true), (200_001, true)] {
                let unpacked = try? Gzip.inflated(packed, limit: limit) { _ in true }
                #expect(unpacked?.count == (isUnpacked ? 200_000 : nil))
            }
        }

        @Test("A bomb costs no more memory than its bound, and is refused")
        func bomb() async throws {
            let endpoint = endpoint()
            let spaces = [UInt8](repeating: UInt8(ascii: " "), count: 16 << 20)
            let bomb = try #require(Gzip.deflated(spaces))
            let bound = Gzip.byteCountMax(bomb.count, limit: RequestRules.bodyByteCountMax)
            #expect(bound < 1 << 20)
            var byteCount = 0
            let unpacked = try? Gzip.inflated(bomb, limit: bound) { count in
                byteCount += count
                return true
            }
            #expect(unpacked == nil && byteCount <= bound)
            let answer = await ask(endpoint, "ListTables", bomb, encoding: "gzip")
            #expect(answer.status == 400 && text(answer).contains("SerializationException"))
            #expect(endpoint.memory.usedByteCount <= bound + bomb.count)
        }

        @Test("What is not gzip, or not all of it, is refused")
        func damaged() async throws {
            let endpoint = endpoint()
            let packed = try #require(Gzip.deflated(Array("{}".utf8)))
            for count in 0..<packed.count {
                let answer = await ask(
                    endpoint, "ListTables", Array(packed[..<count]), encoding: "gzip")
                #expect(answer.status == 500, "\(count)")
                #expect(text(answer).contains("InternalServerError"), "\(count)")
            }
            for more in [[0], Array("junk".utf8), Array(packed.dropLast())] {
                let longer = await ask(endpoint, "ListTables", packed + more, encoding: "gzip")
                #expect(longer.status == 500)
            }
            let whole = await ask(endpoint, "ListTables", packed, encoding: "GZIP")
            #expect(whole.status == 200)
            let other = await ask(endpoint, "ListTables", packed, encoding: "br")
            #expect(other.status == 500 && text(other).contains("InternalServerError"))
        }

        @Test("A body may have several gzip members, which are one text", arguments: 1...20)
        func members(count: Int) async throws {
            let endpoint = endpoint()
            await makeTable(endpoint)
            let put = Array(#"{"TableName":"table","Item":{"p":{"S":"a"},"n":{"N":"1"}}}"#.utf8)
            var packed: [UInt8] = []
            for number in 0..<count {
                let part = (number * put.count / count)..<((number + 1) * put.count / count)
                packed += try #require(Gzip.deflated(Array(put[part])))
            }
            // A member may be empty, too.
            packed += try #require(Gzip.deflated([]))
            let written = await ask(endpoint, "PutItem", packed, encoding: "gzip")
            #expect(text(written) == "{}")
            let get = Array(#"{"TableName":"table","Key":{"p":{"S":"a"}}}"#.utf8)
            #expect(text(await ask(endpoint, "GetItem", get)).contains(#""n":{"N":"1"}"#))
        }

        @Test("Several members unpack to the limit of one, and no further")
        func memberLimit() throws {
            let member = try #require(Gzip.deflated([UInt8](repeating: 0x20, count: 1000)))
            let packed = [UInt8](Array(repeating: member, count: 10).joined())
            for (limit, isUnpacked) in [(9_999, false), (10_000, true), (10_001, true)] {
                let unpacked = try? Gzip.inflated(packed, limit: limit) { _ in true }
                #expect(unpacked?.count == (isUnpacked ? 10_000 : nil))
            }
        }

        /// A gzip stream without content: a header, empty blocks, and a trailer.
        ///
        /// A fixed Huffman block with nothing but its end has ten bits, so four have five bytes.
        private func emptyMember(blockCount: Int) -> [UInt8] {
            var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
            var (bits, bitCount) = (0, 0)
            for number in 1...blockCount {
                // The first bit says whether the block is the last; the kind has two bits.
                bits |= (number == blockCount ? 0b011 : 0b010) << bitCount
                bitCount += 10
                while bitCount >= 8 {
                    bytes.append(UInt8(truncatingIfNeeded: bits))
                    bits >>= 8
                    bitCount -= 8
                }
            }
            if bitCount > 0 { bytes.append(UInt8(truncatingIfNeeded: bits)) }
            // The checksum and the size of nothing.
            return bytes + [UInt8](repeating: 0, count: 8)
        }

        @Test("Empty members and empty blocks count, though they unpack to nothing")
        func emptyParts() async throws {
            let endpoint = endpoint()
            let text = try #require(Gzip.deflated(Array("{}".utf8)))
            // zlib reads a member in at least two steps, so half of the limit are too many.
            let members = [UInt8](
                Array(
                    repeating: emptyMember(blockCount: 1), count: Gzip.stepCountMax / 2 + 1
                ).joined())
            for parts in [members, emptyMember(blockCount: Gzip.stepCountMax)] {
                let answer = await ask(endpoint, "ListTables", parts + text, encoding: "gzip")
                #expect(answer.status == 400)
                #expect(self.text(answer).contains("too many members or blocks"))
            }
            let few = emptyMember(blockCount: 1000)
            let answer = await ask(endpoint, "ListTables", few + text, encoding: "gzip")
            #expect(answer.status == 200)
        }

        @Test("A body is unpacked only while its request has time, also if it is empty members")
        func unpackingTime() async throws {
            let endpoint = endpoint()
            let packed = try #require(Gzip.deflated(Array("{}".utf8)))
            let late = await ask(
                endpoint, "ListTables", packed, encoding: "gzip", clock: RequestClock(.zero))
            #expect(text(late).contains("ThrottlingException"))
            let members = [UInt8](
                Array(repeating: emptyMember(blockCount: 1), count: 100).joined())
            var questionCount = 0
            var failure: Gzip.Failure?
            do throws(Gzip.Failure) {
                _ = try Gzip.inflated(
                    members, limit: 1000, reserve: { _ in true },
                    isOver: {
                        questionCount += 1
                        return questionCount == 10
                    })
            } catch {
                failure = error
            }
            #expect(failure == .outOfTime && questionCount == 10)
        }

        @Test("A request that needs more memory than there is gets a ThrottlingException")
        func memory() async throws {
            let endpoint = endpoint(memory: 1 << 20)
            await makeTable(endpoint)
            // Each element has 14 bytes of JSON, and more once it is decoded.
            let list = [String](repeating: #"{"NULL":true}"#, count: 40_000)
            let item = #"{"p":{"S":"a"},"l":{"L":[\#(list.joined(separator: ","))]}}"#
            let put = Array(#"{"TableName":"table","Item":\#(item)}"#.utf8)
            let refused = await ask(endpoint, "PutItem", put)
            #expect(text(refused).contains("ThrottlingException"))
            #expect(endpoint.memory.usedByteCount <= 1 << 20)
            let get = Array(#"{"TableName":"table","Key":{"p":{"S":"a"}}}"#.utf8)
            let missing = await ask(endpoint, "GetItem", get)
            #expect(text(missing) == "{}")
            // The same in a server that has it.
            let taken = await ask(self.endpoint(), "PutItem", put)
            #expect(text(taken) == "{}")
        }

        @Test("A request whose client is gone does no more work")
        func abandoned() async throws {
            let endpoint = endpoint()
            await makeTable(endpoint)
            let clock = RequestClock(.seconds(600))
            clock.abandon()
            let scan = Array(#"{"TableName":"table"}"#.utf8)
            let answer = await ask(endpoint, "Scan", scan, clock: clock)
            #expect(text(answer).contains("ThrottlingException"))
            let late = await ask(endpoint, "Scan", scan, clock: RequestClock(.zero))
            #expect(text(late).contains("ThrottlingException"))
        }

        @Test("Once an answer is made it counts alone, as it is sent", arguments: [false, true])
        func held(acceptsGzip: Bool) async throws {
            let endpoint = endpoint()
            await makeTable(endpoint)
            let value = String(repeating: "x", count: 100_000)
            _ = await ask(
                endpoint, "PutItem",
                Array(
                    #"{"TableName":"table","Item":{"p":{"S":"a"},"t":{"S":"\#(value)"}}}"#.utf8))
            let spaces = String(repeating: " ", count: 200_000)
            let get = Array(#"{\#(spaces)"TableName":"table","Key":{"p":{"S":"a"}}}"#.utf8)
            let answer = await ask(endpoint, "GetItem", get, acceptsGzip: acceptsGzip)
            #expect(answer.status == 200 && (answer.byteCount > 100_000) == !acceptsGzip)
            #expect(answer.memory?.byteCount == answer.byteCount)
        }

        @Test("An answer up to 4 MiB has a checksum, and a longer one has none", arguments: -1...1)
        func checksum(difference: Int) {
            let byteCount = Endpoint.checkedByteCountMax + difference
            let parts = [1000, byteCount - 1000].map { [UInt8](repeating: 0x20, count: $0) }
            let request = ReceivedRequest(
                AcceptedHead(target: nil, contentEncoding: nil, acceptsGzip: true), body: [],
                memory: MemoryReservation(MemoryBudget(limit: 1 << 20)))
            let answer = HTTPAnswer(DynamoDBResponse(status: 200, parts: parts), request)
            let checksum = difference <= 0 ? "\(Gzip.checksum(parts))" : nil
            #expect(answer.headers.first(name: "x-amz-crc32") == checksum)
            #expect(answer.parts == parts)
            #expect(!answer.headers.contains(name: "content-encoding"))
        }

        @Test("Answers are packed for those who ask, and have a checksum otherwise")
        func answers() async throws {
            let endpoint = endpoint()
            await makeTable(endpoint)
            let value = String(repeating: "x", count: 100_000)
            _ = await ask(
                endpoint, "PutItem",
                Array(
                    #"{"TableName":"table","Item":{"p":{"S":"a"},"t":{"S":"\#(value)"}}}"#.utf8))
            let get = Array(#"{"TableName":"table","Key":{"p":{"S":"a"}}}"#.utf8)
            let plain = await ask(endpoint, "GetItem", get)
            #expect(plain.headers.contains(name: "x-amz-crc32"))
            let packed = await ask(endpoint, "GetItem", get, acceptsGzip: true)
            #expect(packed.headers.first(name: "content-encoding") == "gzip")
            #expect(packed.byteCount < 2000)
            let unpacked = try Gzip.inflated(packed.parts[0], limit: 1 << 20) { _ in true }
            #expect(unpacked == Array(plain.parts.joined()))
        }

        @Test(
            "A body of any size is packed, and a short one with little memory",
            arguments: [0, 1, 100, 4095, 4096, 4097, 100_000])
        func deflated(byteCount: Int) throws {
            let body = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
            let packed = try #require(Gzip.deflated(body))
            let unpacked = try Gzip.inflated(packed, limit: 1 << 20) { _ in true }
            #expect(unpacked == body)
            let stateByteCount = byteCount < 4096 ? 32 << 10 : 256 << 10
            #expect(Gzip.StateSize(byteCount).byteCount == stateByteCount)
        }

        @Test(
            "The coding of an answer is one that the client takes",
            arguments: [
                ("gzip", 5000, true), ("gzip;q=0", 5000, false), ("identity", 5000, false),
                ("gzip", 100, false), ("gzip, identity;q=0", 100, true),
                ("gzip;q=0, identity;q=0", 5000, false), ("*;q=0", 5000, false),
            ])
        func coding(header: String, byteCount: Int, isPacked: Bool) throws {
            let head = try RequestRules(boundTo: "127.0.0.1").accept(
                HTTPRequestHead(
                    version: .http1_1, method: .POST, uri: "/",
                    headers: [
                        "host": "localhost", "content-type": "application/x-amz-json-1.0",
                        "content-length": "2", "accept-encoding": header,
                    ]))
            let request = ReceivedRequest(
                head, body: [], memory: MemoryReservation(MemoryBudget(limit: 1 << 20)))
            let body = [UInt8](repeating: 0x20, count: byteCount)
            let answer = HTTPAnswer(DynamoDBResponse(status: 200, body: body), request)
            #expect((answer.headers.first(name: "content-encoding") == "gzip") == isPacked)
            #expect(answer.headers.contains(name: "x-amz-crc32") == !isPacked)
        }
    }
#endif
