#if Remote
    import CodexCore
    import Foundation
    import Testing

    @testable import CodexRemote

    /// Records of streams, sequence numbers, and the requests for them.
    @Suite("Changes of streams")
    struct StreamChangeTests {
        private static let definition = TableDefinition(
            "t", partitionKey: KeyAttribute("id"), timeToLive: "end")

        private static func stream(
            view: StreamView = .newAndOldImages, _ capabilities: TableCapabilities = .dynamoDB
        ) throws -> RemoteStream {
            let client = try Scene([FakeTransport.answer()]).client
            return RemoteStream(
                RemoteTable(definition, client, capabilities: capabilities), arn: "arn",
                view: view)
        }

        private static func change(
            _ json: String, of stream: RemoteStream
        ) throws(CodexError) -> RemoteChange {
            try RemoteChange(try JSONNode.parse(Array(json.utf8)), in: "s", of: stream)
        }

        /// A record as GetRecords returns it.
        private static func json(
            _ name: String, number: String = "\"70\"", time: String = "100.5",
            images: String = "", more: String = ""
        ) -> String {
            #"{"eventName":"\#(name)","dynamodb":{"ApproximateCreationDateTime":\#(time),"#
                + #""Keys":{"id":{"S":"a"}},\#(images)"SequenceNumber":\#(number)}\#(more)}"#
        }

        private static let old = #""OldImage":{"id":{"S":"a"},"end":{"N":"100"}},"#
        private static let new = #""NewImage":{"id":{"S":"a"},"n":{"N":"1"}},"#

        // MARK: Records

        @Test("A record has key, images, number and time")
        func records() throws {
            let read = try Self.change(
                Self.json("MODIFY", images: Self.old + Self.new), of: Self.stream())
            #expect(read.kind == .modify && read.key == PrimaryKey("a"))
            #expect(read.oldImage == ["id": "a", "end": 100])
            #expect(read.newImage == ["id": "a", "n": 1])
            #expect(read.sequenceNumber.description == "70" && read.shardID == "s")
            #expect(read.time == Date(timeIntervalSince1970: 100.5) && read.origin == "arn")
            #expect(!read.isExpiry)
        }

        @Test(
            "A record without what its kind and the view promise is refused",
            arguments: [
                json("OTHER", images: old + new), json("MODIFY", images: old),
                json("MODIFY", images: new), json("INSERT"), json("REMOVE"),
                json("INSERT", number: "\"x\"", images: new), json("INSERT", number: "7"),
                json("INSERT", time: "\"now\"", images: new), "{}", "[]",
            ])
        func malformed(json: String) throws {
            let stream = try Self.stream()
            #expect(throws: CodexError(.invalidResponse, "")) {
                try Self.change(json, of: stream)
            }
        }

        @Test("A view without images needs none", arguments: ["INSERT", "MODIFY", "REMOVE"])
        func keysOnly(name: String) throws {
            let read = try Self.change(Self.json(name), of: Self.stream(view: .keysOnly))
            #expect(read.oldImage == nil && read.newImage == nil)
        }

        @Test("A removal by the time to live is marked, in either spelling")
        func markedExpiry() throws {
            let stream = try Self.stream()
            for name in ["PrincipalId", "principalId"] {
                for (principal, isExpiry) in [("dynamodb.amazonaws.com", true), ("other", false)] {
                    let identity = #","userIdentity":{"Type":"Service","\#(name)":"\#(principal)"}"#
                    let json = Self.json("REMOVE", images: Self.old, more: identity)
                    #expect(try Self.change(json, of: stream).isExpiry == isExpiry)
                }
            }
        }

        @Test(
            "Without a mark, a removal is an expiry once the time to live is over",
            arguments: ["99", "100", "101"])
        func unmarkedExpiry(time: String) throws {
            let json = Self.json("REMOVE", time: time, images: Self.old)
            let late = try Self.change(json, of: Self.stream(.alternator))
            #expect(late.isExpiry == (time != "99"))
            // A service that marks them has marked none of these.
            #expect(try !Self.change(json, of: Self.stream()).isExpiry)
        }

        @Test(
            "A service that names creations as changes: the image before the change tells them",
            arguments: [
                (json("MODIFY", images: new), ChangeKind.insert),
                (json("INSERT", images: new), .insert),
                (json("MODIFY", images: old + new), .modify),
                (json("INSERT", images: old + new), .modify),
                (json("REMOVE", images: old), .remove), (json("REMOVE"), .remove),
            ])
        func inexactKinds(json: String, kind: ChangeKind) throws {
            #expect(try Self.change(json, of: Self.stream(.alternator)).kind == kind)
        }

        @Test("Without an image before the change, its kind is the one that is named")
        func namedKinds() throws {
            let stream = try Self.stream(view: .newImage, .alternator)
            for kind in [ChangeKind.insert, .modify] {
                let json = Self.json(kind.rawValue, images: Self.new)
                #expect(try Self.change(json, of: stream).kind == kind)
            }
            let json = Self.json("MODIFY", images: Self.old)
            #expect(throws: CodexError(.invalidResponse, "")) {
                try Self.change(json, of: Self.stream(.alternator))
            }
        }

        // MARK: Filters

        @Test(
            "A tag that another program damaged counts as none: the key tells the entity",
            arguments: ["note#1", "page#1", "x", "note#0", "#1", 7, nil] as [AttributeValue?])
        func damagedTags(tag: AttributeValue?) throws {
            let schema = Schema(
                tables: [Self.definition],
                entities: [
                    EntityDefinition("note", table: "t", keys: ["id": "note#{n}"]),
                    EntityDefinition("page", table: "t", keys: ["id": "page#{n}"]),
                ])
            var item: Item = ["id": "note#1"]
            item[TableCapabilities.reservedAttribute] = tag
            let change = RemoteChange(
                .insert, PrimaryKey("note#1"), of: "t", new: item,
                sequenceNumber: try #require(StreamSequenceNumber("1")),
                time: Date(timeIntervalSince1970: 0))
            let isPage = tag == "page#1"
            #expect(ChangeFilter(entities: ["note"]).includes(change, schema) == !isPage)
            #expect(ChangeFilter(entities: ["page"]).includes(change, schema) == isPage)
        }

        // MARK: Numbers

        @Test("Sequence numbers are compared by value")
        func numbers() throws {
            let texts = ["0", "1", "09", "10", "99", "100", "4421584500000000017450439091"]
            let numbers = try texts.map { try #require(StreamSequenceNumber($0)) }
            #expect(numbers.shuffled().sorted().map(\.description) == texts)
            let padded = try #require(StreamSequenceNumber("0000100"))
            #expect(padded == numbers[5] && padded.hashValue == numbers[5].hashValue)
        }

        @Test("A sequence number has 1 to 128 digits")
        func digits() {
            for (count, isTaken) in [(0, false), (1, true), (128, true), (129, false)] {
                let text = String(repeating: "7", count: count)
                #expect((StreamSequenceNumber(text) != nil) == isTaken)
            }
            for text in ["-1", "1.5", " 1", "١"] { #expect(StreamSequenceNumber(text) == nil) }
        }

        // MARK: Requests

        @Test("Streams have a target and a host of their own")
        func requests() async throws {
            let scene = try Scene([FakeTransport.answer(#"{"StreamDescription":{"Shards":[]}}"#)])
            let page = try await RemoteStream(scene.table, arn: "arn", view: .keysOnly)
                .shards(after: nil)
            #expect(page.shards.isEmpty && page.next == nil)
            let request = try #require(scene.transport.requests.first)
            #expect(request.url == "https://streams.dynamodb.eu-central-1.amazonaws.com/")
            let target = request.headers.first { $0.name == "x-amz-target" }?.value
            #expect(target == "DynamoDBStreams_20120810.DescribeStream")
        }

        @Test("Streams of another service are at its own address")
        func address() async throws {
            let scene = try Scene([FakeTransport.answer(#"{"ShardIterator":"i"}"#)]) {
                $0.endpoint = "http://127.0.0.1:8000"
            }
            let iterator = try await RemoteStream(scene.table, arn: "arn", view: .keysOnly)
                .iterator(of: "s", at: .oldest)
            #expect(iterator == "i")
            #expect(scene.transport.requests.first?.url == "http://127.0.0.1:8000/")
        }

        @Test(
            "What the service refuses has its code",
            arguments: [
                ("ExpiredIteratorException", CodexError.Code.invalidPageToken),
                ("TrimmedDataAccessException", .changesTrimmed),
                ("ResourceNotFoundException", .unknownTable),
                ("LimitExceededException", .limitReached),
            ])
        func refusals(type: String, code: CodexError.Code) async throws {
            let scene = try Scene([FakeTransport.refusal(type)])
            let stream = RemoteStream(scene.table, arn: "arn", view: .keysOnly)
            let error = await Scene.error { _ = try await stream.changes("i", of: "s", limit: 1) }
            #expect(error?.code == code)
        }

        @Test("A table without a stream is refused")
        func noStream() async throws {
            let scene = try Scene([
                FakeTransport.answer(
                    #"{"Table":{"TableName":"tasks","TableStatus":"ACTIVE","KeySchema":"#
                        + #"[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":"#
                        + #"[{"AttributeName":"pk","AttributeType":"S"}]}}"#)
            ])
            let error = await Scene.error { _ = try await scene.table.stream() }
            #expect(error?.code == .unsupportedOperation)
        }
    }
#endif
