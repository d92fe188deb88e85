#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// Writes whose answer is lost: none is applied twice without an error.
    @Suite("Lost answers")
    struct OutcomeTests {
        private static let lost = [
            FakeTransport.failure(.timedOut), FakeTransport.failure(.interrupted),
            FakeTransport.refusal("InternalServerError", status: 500),
            FakeTransport.answer("{", ["x-amzn-requestid": "1"]),
        ]
        private static let conditionFailed = FakeTransport.refusal(
            "ConditionalCheckFailedException",
            more: #","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"7"}}"#)
        private static let addition = Update().appending(.add("n", 1))
        private static let assignment = Update().appending(.set("n", .operand(.value(1))))

        @Test("A put without a condition is not repeated, unless the options say so")
        func overwrites() async throws {
            for step in Self.lost {
                let scene = try Scene([step, FakeTransport.answer()])
                let error = await Scene.error { _ = try await scene.table.put(Scene.item) }
                #expect(error?.code == .outcomeUnknown)
                #expect(scene.transport.requests.count == 1)
                let other = try Scene([step, FakeTransport.answer()]) {
                    $0.repeatsOverwrites = true
                }
                _ = try await other.table.put(Scene.item)
                #expect(other.transport.requests.count == 2)
            }
        }

        @Test("What was certainly not applied is repeated, also without a condition")
        func notApplied() async throws {
            for step in [
                FakeTransport.failure(.notSent), FakeTransport.refusal("ThrottlingException"),
            ] {
                let scene = try Scene([step, FakeTransport.answer()])
                _ = try await scene.table.put(Scene.item)
                _ = try await scene.table.delete(Scene.key)
                #expect(scene.transport.operations == ["PutItem", "PutItem", "DeleteItem"])
            }
        }

        @Test("A write that its condition guards is sent once, as a list, or is repeated")
        func guarded() async throws {
            let expected: [GuardedWrites: [String]] = [
                .once: ["PutItem"], .repeated: ["PutItem", "PutItem"],
                .transactional: ["TransactWriteItems", "TransactWriteItems"],
            ]
            for step in Self.lost {
                for policy in GuardedWrites.allCases {
                    let scene = try Scene([step, FakeTransport.answer()]) {
                        $0.guardedWrites = policy
                    }
                    let error = await Scene.error {
                        _ = try await scene.table.put(Scene.item, condition: Scene.isNew)
                    }
                    #expect(error?.code == (policy == .once ? .outcomeUnknown : nil))
                    #expect(scene.transport.operations == expected[policy])
                }
            }
            #expect(RemoteOptions().guardedWrites == .once)
        }

        @Test("A guarded write that was certainly not applied is repeated in each case")
        func guardedNotApplied() async throws {
            for policy in GuardedWrites.allCases {
                let scene = try Scene(
                    [FakeTransport.refusal("ThrottlingException"), FakeTransport.answer()]
                ) { $0.guardedWrites = policy }
                _ = try await scene.table.delete(Scene.key, condition: .attributeExists("pk"))
                #expect(scene.transport.requests.count == 2)
            }
        }

        @Test("A list has one token for all attempts, and the error of its only condition")
        func guardedLists() async throws {
            let cancelled = FakeTransport.refusal(
                "TransactionCanceledException",
                more: #","CancellationReasons":[{"Code":"ConditionalCheckFailed"}]"#)
            let scene = try Scene([Self.lost[0], cancelled]) { $0.guardedWrites = .transactional }
            let error = await Scene.error {
                _ = try await scene.table.put(Scene.item, condition: Scene.isNew)
            }
            // The service has looked for the token, so that the answer is of both attempts.
            #expect(error?.code == .conditionFailed)
            let tokens = try scene.transport.bodies().map { $0["ClientRequestToken"]?.text }
            #expect(tokens.count == 2 && tokens[0] != nil && tokens[0] == tokens[1])
        }

        @Test("A list that cannot be one is sent once")
        func withoutLists() async throws {
            let poor = try Scene([Self.lost[0], FakeTransport.answer()]) {
                $0.guardedWrites = .transactional
                $0.capabilities = .alternator
            }
            let lost = await Scene.error {
                _ = try await poor.table.put(Scene.item, condition: Scene.isNew)
            }
            #expect(lost?.code == .outcomeUnknown && poor.transport.operations == ["PutItem"])
            let scene = try Scene([Self.lost[0], FakeTransport.answer()]) {
                $0.guardedWrites = .transactional
            }
            let returning = await Scene.error {
                _ = try await scene.table.put(
                    Scene.item, condition: Scene.isNew, returning: .allOld)
            }
            #expect(returning?.code == .outcomeUnknown)
            #expect(scene.transport.operations == ["PutItem"])
        }

        @Test("A condition that fails after a lost answer leaves the outcome unknown")
        func guardedUnknown() async throws {
            let scene = try Scene([Self.lost[0], Self.conditionFailed]) {
                $0.guardedWrites = .repeated
            }
            let error = await Scene.error {
                _ = try await scene.table.put(Scene.item, condition: Scene.isNew)
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.currentItem?["n"] == 7)
            let plain = try Scene([Self.conditionFailed])
            let known = await Scene.error {
                _ = try await plain.table.put(Scene.item, condition: Scene.isNew)
            }
            #expect(known?.code == .conditionFailed && known?.currentItem?["n"] == 7)
        }

        @Test("An ADD goes as a list of one action, with one token for all attempts")
        func additions() async throws {
            let scene = try Scene([Self.lost[0], FakeTransport.answer()])
            _ = try await scene.table.update(Scene.key, Self.addition)
            #expect(
                scene.transport.operations == ["TransactWriteItems", "TransactWriteItems"])
            let tokens = try scene.transport.bodies().map { $0["ClientRequestToken"]?.text }
            #expect(tokens[0] != nil && tokens[0] == tokens[1])
        }

        @Test("Without transactions, an ADD is sent once, and again only if nothing was applied")
        func additionsAlone() async throws {
            let lost = try Scene([Self.lost[0], FakeTransport.answer()]) {
                $0.capabilities = .alternator
                $0.repeatsOverwrites = true
            }
            let error = await Scene.error {
                _ = try await lost.table.update(Scene.key, Self.addition)
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(lost.transport.operations == ["UpdateItem"])
            let busy = try Scene(
                [FakeTransport.refusal("ThrottlingException"), FakeTransport.answer()]
            ) { $0.capabilities = .alternator }
            _ = try await busy.table.update(Scene.key, Self.addition)
            #expect(busy.transport.operations == ["UpdateItem", "UpdateItem"])
        }

        @Test("The condition of an ADD that fails in a list is the condition's error")
        func additionCondition() async throws {
            let scene = try Scene(
                [
                    FakeTransport.refusal(
                        "TransactionCanceledException",
                        more: #","CancellationReasons":[{"Code":"ConditionalCheckFailed","Item":"#
                            + #"{"n":{"N":"7"}}}]"#)
                ])
            let error = await Scene.error {
                _ = try await scene.table.update(
                    Scene.key, Self.addition, condition: .attributeExists("pk"))
            }
            #expect(error?.code == .conditionFailed && error?.currentItem?["n"] == 7)
        }

        @Test("A cancelled list is an answer, also after a lost one")
        func tokens() async throws {
            let cancelled = FakeTransport.refusal(
                "TransactionCanceledException",
                more: #","CancellationReasons":[{"Code":"None"},"#
                    + #"{"Code":"ConditionalCheckFailed"}]"#)
            let scene = try Scene([Self.lost[0], cancelled])
            let actions = [
                WriteAction.put(table: "tasks", Scene.item),
                .check(table: "tasks", key: PrimaryKey("c", "d"), condition: Scene.isNew),
            ]
            let error = await Scene.error { try await scene.table.transact(actions) }
            #expect(error?.code == .transactionCancelled)
            let codes = error?.reasons.map { $0?.code }
            #expect(codes == [nil, .conditionFailed])
            let busy = try Scene([Self.lost[0], FakeTransport.refusal("ThrottlingException")])
            let unknown = await Scene.error { try await busy.table.transact(actions) }
            #expect(unknown?.code == .outcomeUnknown)
        }

        @Test(
            "A refusal that comes before the token is looked for tells nothing of a lost attempt",
            arguments: [
                "AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException",
                "ValidationException",
            ])
        func refusedRepetition(type: String) async throws {
            let refusal = FakeTransport.refusal(type)
            for (steps, isUnknown) in [([Self.lost[0], refusal], true), ([refusal], false)] {
                let scene = try Scene(steps)
                let error = await Scene.error {
                    try await scene.table.transact([.put(table: "tasks", Scene.item)])
                }
                let code = try #require(error?.code)
                #expect((code == .outcomeUnknown) == isUnknown)
            }
        }

        @Test("While another attempt with the token is at work, the outcome is unknown")
        func attemptAtWork() async throws {
            let scene = try Scene([FakeTransport.refusal("TransactionInProgressException")])
            let error = await Scene.error {
                try await scene.table.transact([.put(table: "tasks", Scene.item)])
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(scene.transport.requests.count == 5)
        }

        @Test(
            "A list is repeated only if the service knows its token for longer than the deadline",
            arguments: [0, 29, 30, 31])
        func shortTokens(seconds: Int) async throws {
            let scene = try Scene([Self.lost[0], FakeTransport.answer()]) {
                $0.capabilities.idempotencySeconds = seconds
                $0.retries.deadline = .seconds(30)
            }
            let error = await Scene.error {
                try await scene.table.transact([.put(table: "tasks", Scene.item)])
            }
            let isRepeated = seconds > 30
            #expect(error?.code == (isRepeated ? nil : .outcomeUnknown))
            #expect(scene.transport.requests.count == (isRepeated ? 2 : 1))
        }

        /// A source whose answer takes as long as a test says.
        private final class SlowSource: CredentialsProvider {
            let clock = Mutex<FakeClock?>(nil)

            func credentials() async throws -> AWSCredentials? {
                clock.withLock { $0 }?.pass(.seconds(600))
                return AWSCredentials(accessKeyID: "KEY", secretAccessKey: "S")
            }
        }

        @Test("A list is not sent again after its time, also if the credentials took the time")
        func slowCredentials() async throws {
            let source = SlowSource()
            let steps = [
                FakeTransport.answer(), Self.lost[0],
                FakeTransport.refusal("ExpiredTokenException"), FakeTransport.answer(),
            ]
            let scene = try Scene(steps) { $0.credentials = source }
            _ = try await scene.table.get(Scene.key)
            let clock = scene.clock
            source.clock.withLock { $0 = clock }
            let error = await Scene.error {
                try await scene.table.transact([.put(table: "tasks", Scene.item)])
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(scene.transport.requests.count == 3)
        }

        @Test("The items of a list have at most so many bytes together", arguments: [-1, 0, 1])
        func bytes(room: Int) async throws {
            let other: Item = ["pk": "c", "sk": "b", "n": 1]
            let byteCount = Scene.item.byteCount + other.byteCount
            let scene = try Scene([FakeTransport.answer()]) {
                $0.capabilities.transactionByteCountMax = byteCount + room
            }
            let error = await Scene.error {
                try await scene.table.transact([
                    .put(table: "tasks", Scene.item), .put(table: "tasks", other),
                ])
            }
            #expect(error?.code == (room < 0 ? .transactionTooLarge : nil))
            #expect(scene.transport.requests.count == (room < 0 ? 0 : 1))
        }

        @Test("The values of updates count with the items of a list", arguments: [-1, 0, 1])
        func updatedBytes(room: Int) async throws {
            let text = AttributeValue.string(String(repeating: "x", count: 100))
            let members = AttributeValue.stringSet(["abc", "de"])
            let joined = Update.Operand.listAppend(.value(.list([text])), .value(.list([text])))
            let update = Update([
                .set("t", .operand(.value(text))), .set("l", .operand(joined)),
                .set("u", .operand(.ifNotExists("u", .value(text)))), .add("s", members),
                .add("n", 5), .remove("r"),
            ])
            // The key, the text, a list of two texts, and the members.
            let key: Item = ["pk": "a", "sk": "b"]
            let byteCount = key.byteCount + 100 + (3 + 2 * (1 + 100)) + 5
            let scene = try Scene([FakeTransport.answer()]) {
                $0.capabilities.transactionByteCountMax = byteCount + room
            }
            let error = await Scene.error {
                try await scene.table.transact([
                    .update(table: "tasks", key: Scene.key, update)
                ])
            }
            #expect(error?.code == (room < 0 ? .transactionTooLarge : nil))
        }

        @Test("A list that the service finds too large has the code of it")
        func refusedBytes() async throws {
            let text = "The aggregate size of the items in the transaction cannot exceed 4 MB"
            let scene = try Scene([
                FakeTransport.answer(
                    #"{"__type":"x#ValidationException","message":"\#(text)"}"#, status: 400)
            ])
            let error = await Scene.error {
                try await scene.table.transact([.put(table: "tasks", Scene.item)])
            }
            #expect(error?.code == .transactionTooLarge)
        }

        @Test("A list that conflicts with others is repeated, and then reports the conflict")
        func conflicts() async throws {
            let conflict = FakeTransport.refusal(
                "TransactionCanceledException",
                more: #","CancellationReasons":[{"Code":"TransactionConflict"}]"#)
            let scene = try Scene([conflict])
            let actions = [WriteAction.put(table: "tasks", Scene.item)]
            let error = await Scene.error { try await scene.table.transact(actions) }
            #expect(error?.code == .writeConflict && error?.reasons.count == 1)
            #expect(scene.transport.requests.count == 5)
        }

        // MARK: Cancellation

        /// The error of a call that is cancelled while its request is at work.
        private func cancelled(
            _ call: @escaping @Sendable (RemoteTable) async throws -> Void
        ) async throws -> CodexError? {
            let scene = try Scene([FakeTransport.hang])
            let task = Task { await Scene.error { try await call(scene.table) } }
            while scene.transport.requests.isEmpty { await Task.yield() }
            task.cancel()
            return await task.value
        }

        @Test("A cancelled read changed nothing, and the outcome of a cancelled write is unknown")
        func cancellation() async throws {
            let read = try await cancelled { _ = try await $0.get(Scene.key) }
            #expect(read?.code == .cancelled)
            let write = try await cancelled { _ = try await $0.put(Scene.item) }
            #expect(write?.code == .outcomeUnknown)
        }

        @Test("A transport that cancels by itself breaks the connection, and cancels no task")
        func cancellingTransport() async throws {
            let step: FakeTransport.Step = { _ in throw CancellationError() }
            let read = try Scene([step, FakeTransport.answer()])
            #expect(try await read.table.get(Scene.key) == nil)
            #expect(read.transport.requests.count == 2)
            let write = try Scene([step])
            let error = await Scene.error { _ = try await write.table.put(Scene.item) }
            #expect(error?.code == .outcomeUnknown)
            #expect((error?.cause as? RemoteFailure)?.kind == .interrupted)
        }

        @Test("A task that was cancelled before sends nothing")
        func cancelledBefore() async throws {
            let scene = try Scene([FakeTransport.answer()])
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return await Scene.error { _ = try await scene.table.put(Scene.item) }
            }
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            #expect(scene.transport.requests.isEmpty)
        }

        // MARK: Which writes may be repeated

        @Test("Puts and deletions are guarded by conditions that they make false")
        func putsAndDeletions() {
            let exists = Condition.attributeExists("pk")
            let isOne: Condition = Attribute<Int>("n") == 1
            let isTwo: Condition = Attribute<Int>("n") == 2
            let conditions: [(Condition?, Repetition, Repetition)] = [
                (nil, .overwrite, .overwrite), (Scene.isNew, .guarded, .overwrite),
                (exists, .overwrite, .guarded), (isOne, .overwrite, .guarded),
                (isTwo, .guarded, .guarded), (.and(exists, isTwo), .guarded, .guarded),
                (.or(exists, isTwo), .overwrite, .guarded),
            ]
            for (condition, put, deletion) in conditions {
                #expect(Repetition.put(Scene.item, condition) == put)
                #expect(Repetition.deletion(condition) == deletion)
            }
        }

        @Test("Updates are guarded by what they set, and additions are not repeated")
        func updates() {
            let key: Item = ["pk": "a", "sk": "b"]
            let copy = Update().appending(.set("n", .operand(.path("m"))))
            let joined = Update().appending(
                .set("l", .operand(.listAppend(.path("l"), .value([1])))))
            let first = Update().appending(
                .set("n", .operand(.ifNotExists("n", .value(1)))))
            let element = Update().appending(.remove(DocumentPath("l")[0]))
            let members = Update().appending(.add("s", .stringSet(["a"])))
            let isOne: Condition = Attribute<Int>("n") == 1
            let isTwo: Condition = Attribute<Int>("n") == 2
            let isOther: Condition = Attribute<Int>("other") == 2
            let exists = Condition.attributeExists("pk")
            let expected: [(Update, Condition?, Repetition)] = [
                (Self.assignment, nil, .overwrite), (Self.assignment, Scene.isNew, .guarded),
                (Self.assignment, isTwo, .guarded), (Self.assignment, isOne, .overwrite),
                (Self.assignment, isOther, .overwrite), (Self.addition, nil, .never),
                (Self.addition, exists, .never), (Self.addition, Scene.isNew, .guarded),
                (copy, nil, .never), (joined, nil, .never), (first, nil, .overwrite),
                (element, nil, .never), (members, nil, .overwrite),
            ]
            for (update, condition, repetition) in expected {
                #expect(Repetition.update(update, condition, key: key) == repetition)
            }
        }

        @Test("What an update sets says nothing of an attribute with an equivalent name")
        func equivalentNames() {
            let update = Update().appending(.set("\u{E9}", .operand(.value(1))))
            let key: Item = ["pk": "a"]
            for (name, repetition) in [
                ("\u{E9}", Repetition.guarded), ("e\u{301}", Repetition.overwrite),
            ] {
                let isTwo: Condition = .compare(
                    .path(DocumentPath(name)), .equal, .value(2))
                #expect(Repetition.update(update, isTwo, key: key) == repetition)
            }
        }
    }
#endif
