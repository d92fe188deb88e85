extension CodexFlow {
    /// The users whose stored e-mail keys are not those of the present rule.
    ///
    /// Review a store before its users are migrated, and decide about collisions and refused
    /// addresses first:
    ///
    /// ```swift
    /// let review = CodexFlow.EmailReview(of: try store.all(.users))
    /// for collision in review.collisions { print(collision.users) }
    /// for id in review.migratable {
    ///     try await workspace.changeUser(id) { $0.adoptEmailRule() }
    /// }
    /// ```
    ///
    /// The review writes nothing. Until a user is migrated, the user is found by the old key.
    public struct EmailReview: Sendable, Hashable {
        /// Users whose addresses have one key by the present rule.
        public struct Collision: Sendable, Hashable {
            /// The key: see ``CodexFlow/User/normalizedEmail``.
            public let key: String
            /// The users, in the order in which they were given.
            public let users: [User.ID]
        }

        /// The keys that several users would have, by key.
        ///
        /// Only one of the users of a key can get it. Change the addresses of the others.
        public let collisions: [Collision]
        /// Users whose address is valid, has an old key, and collides with none.
        public let migratable: [User.ID]
        /// Users whose address the present rule refuses; they keep their key until the address is
        /// changed.
        public let refused: [User.ID]

        /// Reviews users, with the keys that were read with them.
        ///
        /// - Complexity: O(*n* log *n*) in the users.
        public init(of users: some Sequence<User>) {
            var holders: [[UInt8]: [User.ID]] = [:]
            var (old, refused): ([(id: User.ID, key: [UInt8])], [User.ID]) = ([], [])
            for user in users {
                guard let address = EmailAddress(user.email) else {
                    refused.append(user.id)
                    continue
                }
                // Not as texts: Swift's equality of texts follows the toolchain.
                let key = Array(address.key.utf8)
                holders[key, default: []].append(user.id)
                if user.earlierEmailKey != nil { old.append((user.id, key)) }
            }
            collisions = holders.filter { $0.value.count > 1 }
                .sorted { ByteOrder.compare($0.key, $1.key) < 0 }
                .map { Collision(key: String(decoding: $0.key, as: UTF8.self), users: $0.value) }
            migratable = old.filter { holders[$0.key]?.count == 1 }.map { $0.id }
            self.refused = refused
        }
    }
}
