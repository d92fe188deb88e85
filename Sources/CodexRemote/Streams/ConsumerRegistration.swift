#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// What the table of leases has of a consumer itself.
    struct ConsumerRegistration: Sendable, Hashable {
        fileprivate enum Name {
            static let stream = "stream"
            static let filter = "filter"
            static let since = "since"
            static let registered = "registered"
            static let isReady = "isReady"
        }

        /// The stream that the consumer reads.
        let stream: String
        /// The changes that it gets.
        let filter: ChangeFilter
        /// The time of the first changes that it gets, in milliseconds since 1970; `nil` is all.
        let since: Int?
        /// The time of the registration, in milliseconds since 1970 by the service's clock.
        let registered: Int
        /// Whether each shard of that time has a row.
        var isReady = false

        init(_ stream: RemoteStream, _ filter: ChangeFilter, since: Date?, now: Date) {
            self.stream = stream.arn
            self.filter = filter
            self.since = since.map { Int($0.millisecondsSince1970) }
            registered = Int(now.millisecondsSince1970)
        }

        /// Whether a change is one of those that the consumer gets by its time.
        ///
        /// Services give whole seconds, so the changes of the first second count.
        func isRecent(_ change: RemoteChange) -> Bool {
            guard let since else { return true }
            return Int(change.time.millisecondsSince1970) >= since / 1000 * 1000
        }

        // MARK: Stored form

        /// Reads an item.
        ///
        /// - Throws: ``CodexError/Code/corrupted``.
        init(_ item: Item) throws(CodexError) {
            guard let stream = item[Name.stream]?.string, let text = item[Name.filter]?.string,
                let filter = try? JSONDecoder().decode(ChangeFilter.self, from: Data(text.utf8)),
                let registered = item[Name.registered]?.number?.int64, registered >= 0
            else {
                throw CodexError(
                    .corrupted,
                    "The item of a consumer's registration is not as it was written. Remove the "
                        + "consumer, and register it again.")
            }
            self.stream = stream
            self.filter = filter
            self.registered = Int(registered)
            since = item[Name.since]?.number?.int64.map { Int($0) }
            isReady = item[Name.isReady] == .bool(true)
        }

        /// The attributes without those of the key.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for a filter that cannot be stored.
        func attributes() throws(CodexError) -> Item {
            let json: Data
            do {
                json = try JSONEncoder().encode(filter)
            } catch {
                throw CodexError(.invalidArgument, "The filter cannot be stored.", cause: error)
            }
            var item: Item = [
                Name.stream: .string(stream),
                Name.filter: .string(String(decoding: json, as: UTF8.self)),
                Name.registered: LeaseTable.number(registered),
            ]
            if let since { item[Name.since] = LeaseTable.number(since) }
            return item
        }
    }

    extension LeaseTable {
        /// The registration of the consumer; `nil` if there is none.
        ///
        /// - Throws: ``CodexError/Code/corrupted``, and the errors of reading.
        func registration() async throws -> ConsumerRegistration? {
            try await table.get(key(nil)).map { item throws(CodexError) in
                try ConsumerRegistration(item)
            }
        }

        /// Registers the consumer, unless it is.
        ///
        /// - Returns: The registration that is there.
        /// - Throws: The errors of writing.
        func register(_ new: ConsumerRegistration) async throws -> ConsumerRegistration {
            var item = table.definition.attributes(of: key(nil))
            for element in try new.attributes() { item[element.name] = element.value }
            do {
                _ = try await table.put(
                    item, condition: isAbsent, returning: .none, repeatedAs: .fenced)
                return new
            } catch CodexError.Code.conditionFailed {
                return try await registration() ?? new
            }
        }

        /// Notes that each shard of the registration has a row.
        ///
        /// - Throws: The errors of writing.
        func setReady() async throws {
            let isReady = ConsumerRegistration.Name.isReady
            do {
                _ = try await table.update(
                    key(nil), Update([Self.set(isReady, .bool(true))]),
                    condition: Condition.attributeExists(
                        DocumentPath(ConsumerRegistration.Name.stream))
                        && .attributeNotExists(DocumentPath(isReady)),
                    returning: .allNew, repeatedAs: .fenced)
            } catch CodexError.Code.conditionFailed {
                // Another worker noted it.
            }
        }
    }
#endif
