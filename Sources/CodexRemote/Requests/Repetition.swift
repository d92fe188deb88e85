#if Remote
    internal import CodexCore

    /// Whether a request may be repeated after an attempt of which no answer tells the outcome.
    enum Repetition: Sendable, Hashable {
        /// It changes nothing.
        case read
        /// It has an idempotency token: the service applies it once.
        case token
        /// It has a condition that its own effect makes false, and that no later write makes true
        /// again: that a number which only grows has its old value, for example.
        case fenced
        /// It has a condition that its own effect makes false. Another write may make it true again
        /// before the repetition.
        case guarded
        /// A second application leaves the item as the first one did, unless another write was
        /// between them, which is lost then.
        case overwrite
        /// A second application would change the item again.
        case never

        /// Whether it may be repeated after an attempt without a known outcome.
        func isAllowed(by options: RemoteOptions) -> Bool {
            switch self {
            case .read, .token, .fenced: true
            case .guarded: options.guardedWrites == .repeated
            case .overwrite: options.repeatsOverwrites
            case .never: false
            }
        }
    }

    extension Repetition {
        /// The repetition of a put.
        static func put(_ item: Item, _ condition: Condition?) -> Repetition {
            isFalse(condition, after: item, knowing: nil) ? .guarded : .overwrite
        }

        /// The repetition of a deletion.
        static func deletion(_ condition: Condition?) -> Repetition {
            isFalse(condition, after: Item(), knowing: nil) ? .guarded : .overwrite
        }

        /// The repetition of an update of one item.
        ///
        /// A condition does not protect an update that adds to what is there, unless the update
        /// itself makes it false.
        static func update(_ update: Update, _ condition: Condition?, key: Item) -> Repetition {
            var known = key
            var names = Set(names: key.names)
            for clause in update.clauses where clause.path.steps.isEmpty {
                switch clause {
                case .set(let path, .operand(.value(let value))):
                    known[path.root] = value
                    names.add(path.root)
                case .remove(let path): names.add(path.root)
                case .set, .add, .delete: continue
                }
            }
            if isFalse(condition, after: known, knowing: names) { return .guarded }
            return update.isRepeatable ? .overwrite : .never
        }

        /// Whether a condition is certainly false for an item after its write.
        ///
        /// - Parameters:
        ///   - condition: The condition of the write.
        ///   - item: What is known of the item.
        ///   - names: The attributes that are known; `nil` is all.
        /// - Returns: `true` if one of the conditions that are joined by AND is false.
        private static func isFalse(
            _ condition: Condition?, after item: Item, knowing names: Set<ExactName>?
        ) -> Bool {
            guard let condition else { return false }
            if case .and(let left, let right) = condition {
                return isFalse(left, after: item, knowing: names)
                    || isFalse(right, after: item, knowing: names)
            }
            let isKnown = names.map { names in
                condition.paths.allSatisfy { names.contains($0.root) }
            }
            return (isKnown ?? true) && !condition.evaluate(item)
        }
    }

    extension Update {
        /// Whether a second application right after the first one changes nothing.
        ///
        /// Numbers that are added, joined lists, values of other paths, and places in lists can
        /// make the second application another one.
        var isRepeatable: Bool {
            clauses.allSatisfy { clause in
                let hasIndex = clause.path.steps.contains {
                    if case .index = $0 { true } else { false }
                }
                guard !hasIndex else { return false }
                return switch clause {
                case .set(_, .operand(.value)), .remove, .delete: true
                case .set(let path, .operand(.ifNotExists(let other, .value))): path == other
                case .set: false
                case .add(_, let value): value.type != .number
                }
            }
        }
    }
#endif
