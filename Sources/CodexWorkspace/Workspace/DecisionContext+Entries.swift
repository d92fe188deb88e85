internal import CodexCore

// The history of projects, members, PRDs and users. That of tasks is in TaskChange.swift.

extension CodexFlow.DecisionContext {
    /// Writes an entry in the history of a project.
    func recordEntry(
        _ kind: CodexFlow.ProjectEntry.Kind, of project: CodexFlow.Project,
        by actor: CodexFlow.User.ID, changes: [CodexFlow.Activity.Change] = []
    ) throws {
        try recordEntry(kind, .project, in: project.id, by: actor, changes, note: nil)
    }

    /// Writes an entry in the history of a membership, with the roles before and after.
    func recordEntry(
        _ kind: CodexFlow.ProjectEntry.Kind, of member: CodexFlow.Member,
        by actor: CodexFlow.User.ID, from old: CodexFlow.Member.Role? = nil,
        to new: CodexFlow.Member.Role? = nil
    ) throws {
        let change = CodexFlow.Activity.Change(
            field: "role", from: old.map { .string($0.rawValue) },
            to: new.map { .string($0.rawValue) })
        try recordEntry(
            kind, .member(member.userID), in: member.projectID, by: actor, [change], note: nil)
    }

    /// Writes an entry in the history of a PRD, for a version.
    func recordEntry(
        _ kind: CodexFlow.ProjectEntry.Kind, of prd: CodexFlow.PRD, by actor: CodexFlow.User.ID,
        note: String? = nil
    ) throws {
        try recordEntry(
            kind, .prd(prd.id, version: prd.version), in: prd.projectID, by: actor, [],
            note: note)
    }

    private func recordEntry(
        _ kind: CodexFlow.ProjectEntry.Kind, _ subject: CodexFlow.ProjectEntry.Subject,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        _ changes: [CodexFlow.Activity.Change], note: String?
    ) throws {
        insert(
            CodexFlow.ProjectEntry(
                id: try newID(), projectID: project, subject: subject, actorID: actor, at: now,
                kind: kind, changes: changes, note: note))
    }

    /// Writes an entry in the history of a user.
    ///
    /// The entry outlives the user, so it has no values of names and addresses.
    func recordEntry(
        _ kind: CodexFlow.UserEntry.Kind, of user: CodexFlow.User.ID,
        by actor: CodexFlow.User.ID?, changes: [CodexFlow.Activity.Change] = []
    ) throws {
        let known = changes.map { change in
            ["email", "name"].contains(change.field)
                ? CodexFlow.Activity.Change(field: change.field, from: nil, to: nil) : change
        }
        insert(
            CodexFlow.UserEntry(
                id: try newID(), userID: user, actorID: actor, at: now, kind: kind,
                changes: known))
    }
}
