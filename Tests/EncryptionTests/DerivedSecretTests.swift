#if Encryption
    import Codex
    import CodexCore
    import CodexStore
    import CodexTesting
    import Foundation
    import Testing

    /// What could tell of encrypted values besides the values: errors that are kept, and hashes.
    @Suite("What follows from encrypted values")
    struct DerivedSecretTests {
        let place: SealedStore
        private let secret = "the-secret-of-\(UUID().uuidString)"

        init() throws { place = try SealedStore() }

        private func expectNowhere(_ texts: String...) throws {
            for file in try place.contents() {
                for text in texts { #expect(file.range(of: Data(text.utf8)) == nil) }
            }
        }

        // MARK: Dead letters

        private struct Refusal: Error {
            let text: String
        }

        /// Lets a consumer park a change, and stop at the next.
        private func park(
            in store: Store, _ failure: @escaping @Sendable (String) -> any Error
        ) async throws {
            try await store.addConsumer("c")
            for id in ["a", "b"] { try await store.put(try makeTask(id, body: secret)) }
            let policy = ConsumerFailurePolicy(
                attemptCount: 1, keepsDeadLetters: true, maximumDeadLetters: 1)
            await #expect(throws: CodexError(.tooManyDeadLetters, "")) {
                try await store.consume("c", onFailure: policy) { _, changes in
                    let task = try changes.first?.new(as: CodexFlow.Task.self)
                    throw failure(task?.body ?? "none")
                }
            }
        }

        @Test("The error of a dead letter is kept without what the consumer has read")
        func errors() async throws {
            try await place.open { store in
                try await park(in: store) { Refusal(text: $0) }
                let parked = try store.deadLetters(of: "c")
                #expect(parked.map(\.error) == ["Refusal"])
                #expect(try parked.first?.change.new(as: CodexFlow.Task.self)?.body == secret)
                // Also when it fails once more.
                let counts = try await store.retryDeadLetters(of: "c") { _, change in
                    let task = try change.new(as: CodexFlow.Task.self)
                    throw Refusal(text: task?.body ?? "none")
                }
                #expect(counts.failureCount == 1)
                #expect(try store.deadLetters(of: "c").map(\.error) == ["Refusal"])
            }
            try expectNowhere(secret)
        }

        @Test("The message of a store's own error is kept, and its cause is not")
        func messages() async throws {
            try await place.open { store in
                try await park(in: store) { text in
                    CodexError(.invalidItem, "The body is empty.", cause: Refusal(text: text))
                }
                let parked = try store.deadLetters(of: "c")
                #expect(parked.map(\.error) == ["invalidItem: The body is empty."])
            }
            try expectNowhere(secret)
        }

        @Test("Where nothing is encrypted, the error is kept whole")
        func wholeErrors() async throws {
            try await place.open(schema: CodexFlow.schema, keys: nil) { store in
                try await park(in: store) { Refusal(text: $0) }
                let parked = try store.deadLetters(of: "c")
                #expect(parked.first?.error.contains(secret) == true)
            }
        }

        // MARK: Hashes

        @Test("The hash of a PRD's content is encrypted as the content is, and binds approvals")
        func contentHashes() async throws {
            let schema = SealedStore.schema
                .sealing(["content", "contentHash"], of: CodexFlow.PRD.self)
                .sealing(["contentHash"], of: CodexFlow.PRDReview.self)
            let content = CodexFlow.PRD.Content(
                overview: secret,
                userStories: [.init(id: "s", description: "d", acceptanceCriteria: ["c"])])
            let hash = try await place.open(schema: schema, keys: place.keys) { store in
                let workspace = CodexFlow.Workspace(store)
                for id in ["ada", "bo"] as [CodexFlow.User.ID] {
                    try await workspace.createUser(email: "\(id)@example.com", name: "N", id: id)
                }
                try await workspace.createProject(key: "PP", name: "P", id: "p", owner: "ada")
                try await workspace.addMember("bo", to: "p", by: "ada")
                let prd = try await workspace.createPRD(
                    in: "p", title: "T", content: content, by: "bo", id: "d")
                let hash = try #require(prd.contentHash)
                try await workspace.submitPRD("d", version: 1, in: "p", by: "bo")
                let reviewed = try await workspace.reviewPRD(
                    "d", version: 1, contentHash: hash, in: "p", by: "ada", decision: .approve)
                #expect(reviewed.approvalStatus == .approved)
                #expect(try store.get(.prd("d", version: 1, in: "p"))?.contentHash == hash)
                return hash
            }
            try expectNowhere(secret, hash)
        }
    }
#endif
