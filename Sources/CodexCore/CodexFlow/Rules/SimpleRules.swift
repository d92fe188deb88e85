internal import FoundationEssentials

// Rules that depend on a single value.

extension String {
    /// Whether the text is a title or a name: on one line, without control characters.
    ///
    /// - Parameters:
    ///   - count: The most characters.
    ///   - isUnchanged: Whether the text is as it was read. Then the rule of version 0.2 is enough,
    ///     which had neither lines nor characters that are blank to the eye.
    /// - Returns: Whether it is.
    fileprivate func isLine(upTo count: Int, isUnchanged: Bool) -> Bool {
        isText(upTo: count, isUnchanged: isUnchanged)
            && (isUnchanged || !CodexFlow.Text.hasControls(self))
    }

    /// Whether the text has a visible character and at most `count` characters; unchanged text, by
    /// the earlier rule or this one.
    fileprivate func isText(upTo count: Int, isUnchanged: Bool) -> Bool {
        isShort(upTo: count)
            && (!CodexFlow.Text.isBlank(self) || isUnchanged && isEarlierText)
    }

    /// Whether the text has a visible character by the rule of version 0.2 and before.
    fileprivate var isEarlierText: Bool { contains { !$0.isWhitespace } }

    /// Whether the text is a label, whose stored form may be a part of a key.
    fileprivate func isLabel(isUnchanged: Bool) -> Bool {
        isLine(upTo: CodexFlow.Limits.labelCharacterCountMax, isUnchanged: isUnchanged)
            && utf8.count <= 4 * CodexFlow.Limits.labelCharacterCountMax
            && !utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }

    /// Whether the text has at most `count` characters, and at most 32 bytes per character on
    /// average.
    ///
    /// The byte limit is necessary because a single character may have any number of combining
    /// marks.
    fileprivate func isShort(upTo count: Int) -> Bool {
        // Cheap for short text: each character takes at least one byte.
        utf8.count <= count || (utf8.count <= count * 32 && self.count <= count)
    }

    /// The text's sizes, for errors about texts that are too large to repeat.
    fileprivate var sizes: [String: AttributeValue?] {
        ["byteCount": utf8.count.attributeValue, "characterCount": count.attributeValue]
    }

    /// Whether the text has a visible character and at most `count` bytes.
    fileprivate func isText(upToBytes count: Int) -> Bool {
        utf8.count <= count && !CodexFlow.Text.isBlank(self)
    }
}

extension [String] {
    /// Whether the texts are short enough that hashing and composing them takes little time.
    ///
    /// Lists are checked with it before their texts are compared: a text of megabytes may come from
    /// outside, and composing it takes much longer than reading it.
    func areShort(upTo count: Int) -> Bool { allSatisfy { $0.utf8.count <= 32 * count } }
}

extension String? {
    fileprivate var sizes: [String: AttributeValue?] { self?.sizes ?? [:] }
}

extension CodexFlow.User {
    /// Checks address and name.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.userEmail.require(hasSoundEmail, "email", ["email": .string(email)])
        try CodexFlow.Rule.userName.require(
            name.isLine(upTo: CodexFlow.Limits.nameCountMax, isUnchanged: unchangedTexts.line),
            "name", ["name": .string(name)])
    }
}

extension CodexFlow.Session {
    /// Checks the session's end and the client.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.sessionClient.require(
            client?.isShort(upTo: CodexFlow.Limits.nameCountMax) ?? true, "client", client.sizes)
        let lifetime = expiresAt.timeIntervalSince(createdAt)
        try CodexFlow.Rule.sessionLifetime.require(
            lifetime > 0 && lifetime <= CodexFlow.Limits.sessionSecondsMax, "expiresAt",
            ["createdAt": createdAt.attributeValue, "expiresAt": expiresAt.attributeValue])
    }
}

extension CodexFlow.Project {
    /// Checks name, key, days and scale.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.projectName.require(
            name.isLine(upTo: CodexFlow.Limits.nameCountMax, isUnchanged: unchangedTexts.line),
            "name", ["name": .string(name)])
        if let key {
            try CodexFlow.Rule.projectKey.require(
                (2...CodexFlow.Limits.projectKeyCountMax).contains(key.utf8.count)
                    && (65...90).contains(key.utf8.first ?? 0)
                    && key.utf8.allSatisfy {
                        (65...90).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_")
                    },
                "key", ["key": .string(key)])
        }
        try CodexFlow.Rule.projectSummary.require(
            (summary?.utf8.count ?? 0) <= CodexFlow.Limits.textByteCountMax, "summary",
            summary.sizes)
        if let startDate, let targetDate {
            try CodexFlow.Rule.projectDates.require(
                startDate <= targetDate, "targetDate",
                [
                    "startDate": startDate.attributeValue, "targetDate": targetDate.attributeValue,
                ])
        }
        try CodexFlow.Rule.projectScale.require(
            estimateScale.count <= CodexFlow.Limits.scaleCountMax
                && estimateScale.allSatisfy { (0...CodexFlow.Limits.estimateMax).contains($0) }
                && zip(estimateScale, estimateScale.dropFirst()).allSatisfy { $0 < $1 },
            "estimateScale", ["estimateScale": estimateScale.attributeValue])
        if let hoursPerPoint {
            try CodexFlow.Rule.projectHours.require(
                (1...CodexFlow.Limits.hoursPerPointMax).contains(hoursPerPoint), "hoursPerPoint",
                ["hoursPerPoint": hoursPerPoint.attributeValue])
        }
    }
}

extension CodexFlow.Task {
    /// Checks title, description, labels, numbers and criteria.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.taskTitle.require(
            title.isLine(upTo: CodexFlow.Limits.nameCountMax, isUnchanged: unchangedTexts.line),
            "title", ["title": .string(title)])
        try CodexFlow.Rule.taskBody.require(
            (body?.utf8.count ?? 0) <= CodexFlow.Limits.bodyByteCountMax, "body", body.sizes)
        if !labels.isEmpty {
            try CodexFlow.Rule.taskLabels.require(
                labels.count <= CodexFlow.Limits.labelCountMax
                    && labels.areShort(upTo: CodexFlow.Limits.labelCharacterCountMax)
                    && Set(labels).count == labels.count
                    && CodexFlow.Text.labels(labels).allSatisfy {
                        $0.isLabel(isUnchanged: unchangedTexts.labels)
                    },
                "labels", ["labels": labels.attributeValue])
        }
        if let estimate {
            try CodexFlow.Rule.taskEstimate.require(
                (0...CodexFlow.Limits.estimateMax).contains(estimate), "estimate",
                ["estimate": estimate.attributeValue])
        }
        if let complexity {
            try CodexFlow.Rule.taskComplexity.require(
                (1...10).contains(complexity), "complexity",
                ["complexity": complexity.attributeValue])
        }
        if let number {
            try CodexFlow.Rule.taskNumber.require(
                (1...CodexFlow.Limits.taskNumberMax).contains(number), "number",
                ["number": number.attributeValue])
        }
        if !acceptanceCriteria.isEmpty {
            try CodexFlow.Rule.taskCriteria.require(
                acceptanceCriteria.count <= CodexFlow.Limits.criterionCountMax
                    && acceptanceCriteria.map(\.id).areShort(upTo: CodexFlow.Limits.nameCountMax)
                    && Set(acceptanceCriteria.map(\.id)).count == acceptanceCriteria.count
                    && acceptanceCriteria.allSatisfy {
                        $0.isSound(isUnchanged: unchangedTexts.criteria)
                    },
                "acceptanceCriteria", ["acceptanceCriteria": acceptanceCriteria.attributeValue])
        }
        for (name, text) in [("cycleId", cycleID), ("rank", rank)] {
            guard let text else { continue }
            try CodexFlow.Rule.taskPlace.require(
                text.isShort(upTo: CodexFlow.Limits.nameCountMax), name, text.sizes)
        }
        if let metadata {
            try CodexFlow.Rule.taskMetadata.require(
                metadata.byteCount <= CodexFlow.Limits.metadataByteCountMax, "metadata",
                ["byteCount": metadata.byteCount.attributeValue])
        }
        try validateQueue()
    }
}

extension CodexFlow.Task.Criterion {
    fileprivate func isSound(isUnchanged: Bool) -> Bool {
        id.isText(upTo: CodexFlow.Limits.nameCountMax, isUnchanged: isUnchanged)
            && text.isText(
                upTo: CodexFlow.Limits.criterionCharacterCountMax, isUnchanged: isUnchanged)
    }
}

extension CodexFlow.PRD {
    /// Checks number, title, size, the stories' identifiers and the hash of the content.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.prdVersion.require(
            version >= 1, "version", ["version": version.attributeValue])
        try CodexFlow.Rule.prdTitle.require(
            title.isLine(upTo: CodexFlow.Limits.nameCountMax, isUnchanged: unchangedTexts.line),
            "title", ["title": .string(title)])
        let others = [nonGoals, risks, openQuestions].joined().reduce(summary?.utf8.count ?? 0) {
            $0 + $1.utf8.count
        }
        let byteCount = others + (content?.byteCount ?? 0)
        try CodexFlow.Rule.prdContent.require(
            byteCount <= CodexFlow.Limits.bodyByteCountMax, "content",
            ["byteCount": byteCount.attributeValue])
        try validateHash()
        guard let content else { return }
        let ids = content.userStories.map(\.id)
        try CodexFlow.Rule.prdStories.require(
            Set(ids).count == ids.count
                && ids.allSatisfy { (try? KeyTemplate.requirePart($0, name: "a story")) != nil },
            "content.userStories", ["ids": ids.attributeValue])
    }
}

extension CodexFlow.PRD {
    /// Checks that the hash is that of the content.
    ///
    /// A version that was stored without this check can still be superseded or archived.
    private func validateHash() throws(CodexError) {
        guard let contentHash, !unchangedTexts.content else { return }
        let computed = try makeContentHash()
        try CodexFlow.Rule.prdHash.require(
            contentHash == computed, "contentHash",
            ["given": .string(contentHash), "computed": .string(computed)])
    }
}

extension CodexFlow.PRD.Content {
    /// The bytes of the content's text.
    var byteCount: Int {
        let lists = [objectives, functionalRequirements, nonFunctionalRequirements]
        let texts = lists.joined().reduce(overview.utf8.count) { $0 + $1.utf8.count }
        return userStories.reduce(texts) { count, story in
            story.acceptanceCriteria.reduce(count + story.description.utf8.count) {
                $0 + $1.utf8.count
            }
        }
    }
}

extension CodexFlow.Comment {
    /// Checks the text.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.commentText.require(
            text.isText(upToBytes: CodexFlow.Limits.textByteCountMax), "text", text.sizes)
    }
}

extension CodexFlow.Dependency {
    /// Checks that no task blocks itself.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.dependencySelf.require(
            taskID != blockerID, "blockerId", ["blockerId": blockerID.attributeValue])
    }
}

extension Number {
    /// Whether the number has at most the decimals that logged hours may have.
    fileprivate var isLoggable: Bool { int64 != nil || exponent >= -4 }
}

extension CodexFlow.WorkLog {
    /// Checks the hours.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.workHours.require(
            hours > 0 && hours <= 24 && hours.isLoggable, "hours",
            ["hours": .number(hours)])
    }
}

extension CodexFlow.NumberSequence {
    /// Checks the number.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.taskNumber.require(
            (0...CodexFlow.Limits.taskNumberMax).contains(last), "last",
            ["last": last.attributeValue])
    }
}

extension CodexFlow.PRDReview {
    /// Checks the note.
    public func validate() throws(CodexError) {
        guard let note else { return }
        try CodexFlow.Rule.note.require(
            note.isText(upToBytes: CodexFlow.Limits.textByteCountMax), "note", note.sizes)
    }
}

extension CodexFlow.Activity {
    /// Checks the notes' sizes, and that the facts are within the limits of tasks.
    ///
    /// The analytics ignore entries that break this rule. So it takes each note that an earlier
    /// version stored. The commands refuse new notes that are blank to the eye.
    public func validate() throws(CodexError) {
        try validateNotes { $0.isEarlierText }
        guard let facts else { return }
        let points = [facts.pointsBefore, facts.points].compactMap { $0 }
        let hoursMax = CodexFlow.Limits.estimateMax * CodexFlow.Limits.hoursPerPointMax
        try CodexFlow.Rule.activityFacts.require(
            points.allSatisfy { (0...CodexFlow.Limits.estimateMax).contains($0) }
                && (-hoursMax...hoursMax).contains(facts.estimatedHours ?? 0)
                && (facts.cycleSeconds ?? 0) >= 0 && (facts.leadSeconds ?? 0) >= 0,
            "facts", ["facts": facts.attributeValue])
    }
}

extension CodexFlow.Activity {
    /// Checks that the notes of a new entry are not blank to the eye.
    package func validateNotes() throws(CodexError) {
        try validateNotes { !CodexFlow.Text.isBlank($0) }
    }

    private func validateNotes(_ isVisible: (String) -> Bool) throws(CodexError) {
        for (name, text) in [("note", note), ("reason", reason)] {
            guard let text else { continue }
            try CodexFlow.Rule.note.require(
                text.utf8.count <= CodexFlow.Limits.textByteCountMax && isVisible(text), name,
                text.sizes)
        }
    }
}

extension CodexFlow.Analytics {
    /// Checks that the figures are small enough to be added up.
    public func validate() throws(CodexError) {
        let bound = CodexFlow.Limits.analyticsFigureMax
        func isSound(_ figure: Int) -> Bool { (-bound...bound).contains(figure) }
        func areSound(_ hours: Number?) -> Bool {
            hours.map { abs($0.double) <= Double(bound) && $0.isLoggable } ?? true
        }
        let stats =
            teamStats.allSatisfy { isSound($0.tasksCompleted) && areSound($0.hoursLogged) }
            && isSound(otherStats?.tasksCompleted ?? 0) && areSound(otherStats?.hoursLogged)
        try CodexFlow.Rule.analyticsFigures.require(
            isSound(metrics.tasksCompleted) && stats
                && flow.map { $0.figures.allSatisfy(isSound) } ?? true,
            "figures", ["date": date.attributeValue])
    }
}
