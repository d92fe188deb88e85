internal import CodexCore

// The numbers of tasks.

extension CodexFlow.DecisionContext {
    /// Takes the project's next number.
    ///
    /// The number is above all earlier ones that the services gave, and no stored task has it. A
    /// new sequence, or one whose next number is taken, continues above all stored numbers. If a
    /// stored task has the highest possible number, the sequence continues with the next free one.
    /// A table that gives numbers before the commit may leave gaps.
    func nextNumber(of task: CodexFlow.Task) throws -> Int {
        let project = task.projectID
        if let given = try givenNumber(for: task) { return given }
        let name = CodexFlow.NumberSequence.tasks
        let known = try get(.sequence(name, of: project))
        let max = CodexFlow.Limits.taskNumberMax
        var next = min(Swift.max(known?.last ?? 0, 0), max) + 1
        if try known == nil || next > max || get(.task(number: next, in: project)) != nil {
            let highest = try highestNumber(in: project)
            if highest < max, next <= max {
                next = Swift.max(next, highest + 1)
            } else {
                // Gaps have no task of the services, since the services' numbers are all given in
                // order.
                if next > max { next = 1 }
                while try next <= max && get(.task(number: next, in: project)) != nil { next += 1 }
            }
        }
        try CodexFlow.Rule.taskNumber.require(
            next <= max, "number", ["number": next.attributeValue])
        let sequence = CodexFlow.NumberSequence(projectID: project, name: name, last: next)
        if known == nil { insert(sequence) } else { replace(sequence) }
        return next
    }

    /// The highest number of a task of the project; 0 if there is none.
    ///
    /// It is the highest possible number if the stored one is invalid.
    private func highestNumber(in project: CodexFlow.Project.ID) throws -> Int {
        do {
            let last = try all(.tasksByNumber(in: project).reversed, limit: 1).first
            return last?.number ?? 0
        } catch let error as CodexError where error.code == .typeMismatch {
            return CodexFlow.Limits.taskNumberMax
        }
    }

    /// A number that the table gives before the commit; `nil` if the command takes one itself.
    ///
    /// A task that its own rules refuse gets no number.
    private func givenNumber(for task: CodexFlow.Task) throws -> Int? {
        guard let table = numberingReader else { return nil }
        try task.validate()
        return try table.takeTaskNumber(of: task.projectID)
    }
}
