public import CodexCore
internal import FoundationEssentials

extension CodexFlow.PRD {
    /// Creates a new version with the content of a draft.
    fileprivate init(
        id: ID, _ draft: CodexFlow.PRD, version: Int, in project: CodexFlow.Project.ID,
        by author: CodexFlow.User.ID, at now: Date
    ) throws {
        self.init(
            id: id, projectID: project, version: version, title: draft.title,
            content: draft.content, approvalStatus: .draft, createdBy: author, createdAt: now)
        nonGoals = draft.nonGoals
        risks = draft.risks
        openQuestions = draft.openQuestions
        contentHash = try makeContentHash()
        updatedAt = now
        updatedByID = author
    }
}

extension CodexFlow.Workspace {
    /// Creates a PRD with its first version, which is a draft.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - title: The title.
    ///   - content: The content.
    ///   - author: The user who writes it.
    ///   - id: The identifier; `nil` makes one.
    ///   - isAIGenerated: Whether a language model wrote it.
    ///   - body: Sets nonGoals, risks and openQuestions; a new version determines all other fields.
    /// - Returns: The version.
    /// - Throws: The rules of PRDs and actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``; ``CodexError/Code/conditionFailed`` if the identifier is
    ///   taken.
    @discardableResult
    public func createPRD(
        in project: CodexFlow.Project.ID, title: String, content: CodexFlow.PRD.Content,
        by author: CodexFlow.User.ID, id: CodexFlow.PRD.ID? = nil, isAIGenerated: Bool = false,
        _ body: @escaping @Sendable (inout CodexFlow.PRD) throws -> Void = { _ in }
    ) async throws -> CodexFlow.PRD {
        try await run(
            CommandCall(
                "createPRD",
                [
                    "project": project, "author": author, "id": id, "isAIGenerated": isAIGenerated,
                    "body": CommandCall.effect(
                        of: body,
                        on: CodexFlow.PRD(
                            id: id ?? "new", projectID: project, version: 1, title: title,
                            content: content)),
                ]),
            reading: .actor(author, in: project)
        ) { context in
            try context.createPRD(
                in: project, title: title, content: content, by: author, id: id
            ) { draft in
                try body(&draft)
                draft.isAIGenerated = isAIGenerated
            }
        }
    }

    /// Adds a version, a draft; earlier versions stay as they are, and the approved one stays in
    /// force.
    ///
    /// - Parameters:
    ///   - prd: The document.
    ///   - project: Its project.
    ///   - base: The newest version, which this version is based on.
    ///   - author: The user who writes it.
    ///   - summary: A summary of the differences.
    ///   - isAIGenerated: Whether a language model wrote it.
    ///   - body: Changes title and content, nonGoals, risks and openQuestions; a new version
    ///     determines all other fields.
    /// - Returns: The new version.
    /// - Throws: ``CodexFlow/Rule/prdStale`` if `base` is not the newest version;
    ///   ``CodexFlow/Rule/prdStatus`` if it is archived; as
    ///   ``createPRD(in:title:content:by:id:isAIGenerated:_:)``.
    @discardableResult
    public func addPRDVersion(
        of prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID, basedOn base: Int,
        by author: CodexFlow.User.ID, summary: String? = nil, isAIGenerated: Bool = false,
        _ body: @escaping @Sendable (inout CodexFlow.PRD) throws -> Void
    ) async throws -> CodexFlow.PRD {
        try await runChange(
            CommandCall(
                "addPRDVersion",
                [
                    "prd": prd, "project": project, "basedOn": base, "author": author,
                    "summary": summary, "isAIGenerated": isAIGenerated,
                ]),
            reading: .version(base, of: prd, in: project, by: author), body
        ) { context in
            _ = try context.project(project, for: author, as: .member)
            var document = try context.document(prd, in: project)
            try CodexFlow.Rule.prdStale.require(
                document.headVersion == base, "basedOn",
                ["basedOn": base.attributeValue, "newest": document.headVersion.attributeValue])
            let old = try context.find(.prd(prd, version: base, in: project))
            try CodexFlow.Rule.prdStatus.require(
                old.approvalStatus != .archived, "basedOn",
                [
                    "basedOn": base.attributeValue,
                    "approvalStatus": old.approvalStatus.map { .string($0.rawValue) },
                ])
            var (head, draft) = (old, old)
            try body(&draft)
            var version = try CodexFlow.PRD(
                id: prd, draft, version: base + 1, in: project, by: author, at: context.now)
            version.summary = summary
            version.parentVersion = base
            version.isAIGenerated = isAIGenerated
            try version.validate()
            context.insert(version)
            try context.recordEntry(.added, of: version, by: author)
            // A draft, or a version in review, has a newer version now, and must not be approved.
            if head.approvalStatus == .draft || head.approvalStatus == .inReview {
                try context.move(&head, to: .superseded, by: author)
                context.replace(head)
                try context.recordEntry(.superseded, of: head, by: author)
            }
            document.headVersion = version.version
            document.title = version.title
            document.updatedAt = context.instant(after: document.updatedAt)
            context.replace(document)
            return (old, version)
        }
    }

    /// Submits a draft for review; it must have a story, and each story must have a criterion.
    ///
    /// - Throws: ``CodexFlow/Rule/prdStories``, ``CodexFlow/Rule/prdStatus``,
    ///   ``CodexFlow/Rule/prdStale``, the rules of actors, ``CodexFlow/Rule/projectReadOnly``,
    ///   ``CodexError/Code/notFound``.
    @discardableResult
    public func submitPRD(
        _ prd: CodexFlow.PRD.ID, version: Int, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.PRD {
        try await run(
            CommandCall(
                "submitPRD",
                [
                    "prd": prd, "version": version, "project": project, "actor": actor,
                ]),
            reading: .version(version, of: prd, in: project, by: actor)
        ) { context in
            _ = try context.project(project, for: actor, as: .member)
            var found = try context.head(prd, version: version, in: project)
            let stories = found.content?.userStories ?? []
            try CodexFlow.Rule.prdStories.require(
                !stories.isEmpty && stories.allSatisfy { !$0.acceptanceCriteria.isEmpty },
                "content.userStories",
                [
                    "without": stories.filter { $0.acceptanceCriteria.isEmpty }.map(\.id)
                        .attributeValue
                ])
            try context.move(&found, to: .inReview, by: actor)
            context.replace(found)
            try context.recordEntry(.submitted, of: found, by: actor)
            return found
        }
    }

    /// Decides about a version in review.
    ///
    /// An approval makes it the approved version, and supersedes the previous one. An author does
    /// not approve an own version. A request for changes makes the version a draft again, and
    /// deletes its approvals.
    ///
    /// A request for changes, or a rejection, is an objection to the content. It stays open if the
    /// same content is submitted again, also as another version: then an approval does not approve
    /// the version before the users who objected approve it as well.
    ///
    /// - Parameters:
    ///   - prd: The document.
    ///   - version: The reviewed version.
    ///   - hash: The ``CodexFlow/PRD/contentHash`` of the reviewed content.
    ///   - project: Its project.
    ///   - actor: The reviewer.
    ///   - decision: The decision.
    ///   - note: The reason.
    /// - Returns: The version with its status.
    /// - Throws: ``CodexFlow/Rule/prdReview`` for another content, ``CodexFlow/Rule/prdStale`` for
    ///   an earlier version, ``CodexFlow/Rule/prdStatus``, ``CodexFlow/Rule/prdReviewer`` for an
    ///   agent and for an author who approves, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``; on a remote table,
    ///   ``CodexError/Code/transactionTooLarge`` for a request for changes that takes back more
    ///   than ``CodexFlow/Limits/remoteApprovalCountMax`` approvals.
    @discardableResult
    public func reviewPRD(
        _ prd: CodexFlow.PRD.ID, version: Int, contentHash hash: String,
        in project: CodexFlow.Project.ID, by actor: CodexFlow.User.ID,
        decision: CodexFlow.PRDReview.Decision, note: String? = nil
    ) async throws -> CodexFlow.PRD {
        try await run(
            CommandCall(
                "reviewPRD",
                [
                    "prd": prd, "version": version, "contentHash": hash, "project": project,
                    "actor": actor, "decision": decision.rawValue, "note": note,
                ]),
            reading: .review(of: version, of: prd, in: project, by: actor)
        ) { context in
            _ = try context.project(project, for: actor, as: .member)
            let isAgent = try context.actor(actor).role == .agent
            try CodexFlow.Rule.prdReviewer.require(
                !isAgent, "actor", ["actor": actor.attributeValue])
            var found = try context.head(prd, version: version, in: project)
            try CodexFlow.Rule.prdReview.require(
                found.contentHash == hash, "contentHash", ["contentHash": .string(hash)])
            try CodexFlow.Rule.prdStatus.require(
                found.approvalStatus == .inReview, "approvalStatus",
                ["approvalStatus": found.approvalStatus.map { .string($0.rawValue) }])
            try CodexFlow.Rule.prdReviewer.require(
                decision != .approve || found.createdBy != actor, "actor",
                ["actor": actor.attributeValue, "createdBy": found.createdBy?.attributeValue])
            let known = try context.all(.reviews(of: prd, in: project))
            let reviews = known.filter { $0.version == version }
            let others = reviews.filter { $0.userID != actor }
            let review = CodexFlow.PRDReview(
                prdID: prd, projectID: project, version: version, contentHash: hash,
                userID: actor, decision: decision, note: note, at: context.now)
            try review.validate()
            if others.count == reviews.count {
                context.insert(review)
            } else {
                context.replace(review)
            }
            try context.recordEntry(decision.entryKind, of: found, by: actor, note: note)
            switch decision {
            case .approve:
                var objectors = known.objectors(to: hash)
                objectors.remove(actor)
                // An author withdraws an own objection by submitting the version.
                if let author = found.createdBy { objectors.remove(author) }
                guard objectors.isEmpty else { return found }
                try context.approve(&found, by: actor)
            case .requestChanges:
                // The approvals do not apply to the changed draft. Objections stay.
                let approvals = others.filter { $0.decision == .approve }
                try context.requireRemoteRoom(
                    approvals.count, of: "approvals that are taken back",
                    upTo: CodexFlow.Limits.remoteApprovalCountMax, "Reject the version instead.")
                for other in approvals { context.delete(other) }
                try context.move(&found, to: .draft, by: actor)
            case .reject:
                try context.move(&found, to: .rejected, by: actor)
            }
            context.replace(found)
            return found
        }
    }

    /// Archives a version.
    ///
    /// - Throws: ``CodexFlow/Rule/prdStatus``, the rules of actors,
    ///   ``CodexFlow/Rule/projectReadOnly``, ``CodexError/Code/notFound``.
    @discardableResult
    public func archivePRD(
        _ prd: CodexFlow.PRD.ID, version: Int, in project: CodexFlow.Project.ID,
        by actor: CodexFlow.User.ID
    ) async throws -> CodexFlow.PRD {
        try await run(
            CommandCall(
                "archivePRD",
                [
                    "prd": prd, "version": version, "project": project, "actor": actor,
                ]),
            reading: .version(version, of: prd, in: project, by: actor)
        ) { context in
            _ = try context.project(project, for: actor, as: .admin)
            var found = try context.find(.prd(prd, version: version, in: project))
            var document = try context.document(prd, in: project)
            try context.move(&found, to: .archived, by: actor)
            context.replace(found)
            try context.recordEntry(.archived, of: found, by: actor)
            if document.approvedVersion == version {
                document.approvedVersion = nil
                document.updatedAt = context.instant(after: document.updatedAt)
                context.replace(document)
            }
            return found
        }
    }

    /// The version of a PRD in force: the approved one, or `nil`.
    ///
    /// - Throws: The errors of reading.
    public func approvedPRD(
        _ prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) async throws -> CodexFlow.PRD? {
        guard let document = try await get(.prdDocument(prd, in: project)) else {
            // The PRD was stored without the services, or does not exist.
            let versions = try await all(.versions(of: prd, in: project))
            return versions.last { $0.approvalStatus == .approved }
        }
        guard let version = document.approvedVersion else { return nil }
        return try await get(.prd(prd, version: version, in: project))
    }

    /// The newest version of a PRD, or `nil`.
    ///
    /// - Throws: The errors of reading.
    public func latestPRD(
        _ prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) async throws -> CodexFlow.PRD? {
        try await query(.versions(of: prd, in: project).reversed, limit: 1).items.first
    }
}

extension CodexFlow.PRDDocument {
    /// Derives the document of stored versions, oldest first; `nil` if there are none, or if no
    /// author is known.
    fileprivate init?(of versions: [CodexFlow.PRD], now: Date) {
        guard let first = versions.first, let last = versions.last else { return nil }
        let author = first.createdBy ?? last.createdBy
        guard let author else { return nil }
        self.init(
            id: last.id, projectID: last.projectID, title: last.title,
            headVersion: last.version, ownerID: author, createdAt: first.createdAt ?? now)
        approvedVersion = versions.last { $0.approvalStatus == .approved }?.version
        updatedAt = now
    }
}

extension CodexFlow.DecisionContext {
    /// Creates a PRD, as
    /// ``CodexFlow/Workspace/createPRD(in:title:content:by:id:isAIGenerated:_:)`` describes.
    ///
    /// The draft that `body` changes also says whether a language model wrote it.
    func createPRD(
        in project: CodexFlow.Project.ID, title: String, content: CodexFlow.PRD.Content,
        by author: CodexFlow.User.ID, id: CodexFlow.PRD.ID?,
        _ body: (inout CodexFlow.PRD) throws -> Void
    ) throws -> CodexFlow.PRD {
        _ = try self.project(project, for: author, as: .member)
        var draft = CodexFlow.PRD(
            id: try id ?? newID(), projectID: project, version: 1, title: title,
            content: content)
        let document = draft.id
        try body(&draft)
        var version = try CodexFlow.PRD(
            id: document, draft, version: 1, in: project, by: author, at: now)
        version.isAIGenerated = draft.isAIGenerated ?? false
        try version.validate()
        insert(version)
        insert(
            CodexFlow.PRDDocument(
                id: document, projectID: project, title: version.title, ownerID: author,
                createdAt: now))
        try recordEntry(.created, of: version, by: author)
        return version
    }

    /// The newest version of a document, which must be `version`.
    fileprivate func head(
        _ prd: CodexFlow.PRD.ID, version: Int, in project: CodexFlow.Project.ID
    ) throws -> CodexFlow.PRD {
        let document = try document(prd, in: project)
        try CodexFlow.Rule.prdStale.require(
            document.headVersion == version, "version",
            ["version": version.attributeValue, "newest": document.headVersion.attributeValue])
        var found = try find(.prd(prd, version: version, in: project))
        // A version that was stored without the services may have another hash than its content.
        let hash = try found.makeContentHash()
        if found.contentHash != hash { found.contentHash = hash }
        return found
    }

    /// The document of a PRD; for versions that were stored without the services, it is derived
    /// from them.
    fileprivate func document(
        _ prd: CodexFlow.PRD.ID, in project: CodexFlow.Project.ID
    ) throws -> CodexFlow.PRDDocument {
        if let document = try get(.prdDocument(prd, in: project)) { return document }
        let versions = try all(.versions(of: prd, in: project))
        guard let document = CodexFlow.PRDDocument(of: versions, now: now) else {
            throw CodexError(.notFound, "There is no such \(CodexFlow.PRD.definition.name).")
        }
        return document
    }

    fileprivate func move(
        _ prd: inout CodexFlow.PRD, to status: CodexFlow.PRD.ApprovalStatus,
        by actor: CodexFlow.User.ID
    ) throws {
        let from = prd.approvalStatus ?? .draft
        try CodexFlow.Rule.prdStatus.require(
            from.successors.contains(status), "approvalStatus",
            ["from": .string(from.rawValue), "to": .string(status.rawValue)])
        prd.approvalStatus = status
        prd.updatedAt = instant(after: prd.updatedAt)
        prd.updatedByID = actor
    }

    /// Approves a version, and supersedes the previously approved one.
    fileprivate func approve(_ prd: inout CodexFlow.PRD, by actor: CodexFlow.User.ID) throws {
        var document = try document(prd.id, in: prd.projectID)
        if let number = document.approvedVersion,
            var before = try get(.prd(prd.id, version: number, in: prd.projectID))
        {
            try move(&before, to: .superseded, by: actor)
            replace(before)
            try recordEntry(.superseded, of: before, by: actor)
        }
        try move(&prd, to: .approved, by: actor)
        document.approvedVersion = prd.version
        document.updatedAt = instant(after: document.updatedAt)
        replace(document)
    }
}

extension [CodexFlow.PRDReview] {
    /// The users whose newest review of a content is an objection.
    ///
    /// The reviews are in the order of their versions. Only the newest version is reviewed, so that
    /// is the order of time, too.
    fileprivate func objectors(to hash: String) -> Set<CodexFlow.User.ID> {
        var objectors: Set<CodexFlow.User.ID> = []
        for review in self where review.contentHash == hash {
            if review.decision == .approve {
                objectors.remove(review.userID)
            } else {
                objectors.insert(review.userID)
            }
        }
        return objectors
    }
}

extension CodexFlow.PRDReview.Decision {
    /// The kind of the entry of history.
    fileprivate var entryKind: CodexFlow.ProjectEntry.Kind {
        switch self {
        case .approve: .approved
        case .requestChanges: .changesRequested
        case .reject: .rejected
        }
    }
}
