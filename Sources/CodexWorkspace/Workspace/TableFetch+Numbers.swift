internal import CodexCore

extension TableFetch {
    /// Most attempts to get past numbers of tasks that were stored without the services, or past
    /// lost answers.
    private static let attemptCountMax = 5
    /// The attribute with the last number of a sequence.
    private static let last = "last"

    /// Takes the next number of a project's tasks, by an atomic ADD to the sequence.
    ///
    /// No other command gets the number, so commands that create tasks at the same time do not
    /// conflict. The number is lost if the command fails later.
    ///
    /// An index tells the numbers of tasks that were stored without the services. It may be older
    /// than the table. A stored number that it does not have yet may be given a second time.
    ///
    /// - Parameter project: The project.
    /// - Returns: The number; `nil` if the project has no sequence yet, if the sequence is at its
    ///   end, or if no number above it was found. The command then takes its number itself.
    /// - Throws: The errors of the table.
    func takeTaskNumber(of project: CodexFlow.Project.ID) async throws -> Int? {
        for _ in 0..<Self.attemptCountMax {
            async let stored = highestNumber(in: project)
            guard let next = try await increment(project) else { return nil }
            let highest = try await stored
            if highest < next { return next }
            guard try await isStored(next, in: project) else { return next }
            guard highest < CodexFlow.Limits.taskNumberMax else { return nil }
            try await raise(project, to: highest)
        }
        return nil
    }

    // MARK: The sequence

    private static func key(_ project: CodexFlow.Project.ID) -> PrimaryKey {
        PrimaryKey(
            .string("PROJECT#\(project)"), .string("SEQUENCE#\(CodexFlow.NumberSequence.tasks)"))
    }

    /// Increments the sequence, and returns its number; `nil` if there is none below the end.
    private func increment(_ project: CodexFlow.Project.ID) async throws -> Int? {
        // The condition is false for a sequence that does not exist.
        let end = AttributeValue.number(Number(CodexFlow.Limits.taskNumberMax - 1))
        let action = WriteAction.update(
            table: CodexFlow.table, key: Self.key(project), Update([.add(Self.path, 1)]),
            condition: .between(.path(Self.path), low: .value(0), high: .value(end)))
        for _ in 0..<Self.attemptCountMax {
            do {
                let item = try await table.perform(action, returning: .updatedNew)
                return item?[Self.last]?.number?.int64.map { Int($0) }
            } catch CodexError.Code.conditionFailed {
                return nil
            } catch CodexError.Code.outcomeUnknown {
                // The number of the lost answer is a gap.
                continue
            } catch CodexError.Code.writeConflict {
                continue
            }
        }
        return nil
    }

    /// Sets the sequence to a number, unless it is there or above.
    private func raise(_ project: CodexFlow.Project.ID, to number: Int) async throws {
        let value = AttributeValue.number(Number(number))
        do {
            _ = try await table.perform(
                .update(
                    table: CodexFlow.table, key: Self.key(project),
                    Update([.set(Self.path, .operand(.value(value)))]),
                    condition: .compare(.path(Self.path), .less, .value(value))),
                returning: .none)
        } catch CodexError.Code.conditionFailed {
            // Another command raised it.
        } catch CodexError.Code.outcomeUnknown {
            // The next increment shows whether it was raised.
        } catch CodexError.Code.writeConflict {
            // A transaction with the sequence was at work. The next increment shows its number.
        }
    }

    private static var path: DocumentPath { DocumentPath(last) }

    // MARK: Stored numbers

    /// The highest number in the index of the project's tasks; 0 if there is none.
    ///
    /// It is the highest possible number if the stored one is invalid.
    private func highestNumber(in project: CodexFlow.Project.ID) async throws -> Int {
        let query = CodexCore.Query<CodexFlow.Task>.tasksByNumber(in: project).reversed.request
        guard let item = try await first(query) else { return 0 }
        return item["number"]?.number?.int64.map { Int($0) } ?? CodexFlow.Limits.taskNumberMax
    }

    /// Whether the index has a task of the project with a number.
    private func isStored(
        _ number: Int, in project: CodexFlow.Project.ID
    ) async throws -> Bool {
        var query = CodexCore.Query<CodexFlow.Task>.tasksByNumber(in: project).request
        query.sort = .equal(.number(Number(number)))
        return try await first(query) != nil
    }

    private func first(_ query: TableQuery) async throws -> Item? {
        let query = query.ofAnyEntity
        return try await table.items(
            matching: query, limits: PageLimits(returned: 1), after: nil,
            consistency: consistency(of: query)
        ).items.first
    }
}
