internal import FoundationEssentials

// Rules that depend on a single value.

extension String {
    /// Whether the text has a visible character and at most `count` characters.
    fileprivate func isText(upTo count: Int) -> Bool {
        isShort(upTo: count) && contains { !$0.isWhitespace }
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
        utf8.count <= count && contains { !$0.isWhitespace }
    }
}

extension String? {
    fileprivate var sizes: [String: AttributeValue?] { self?.sizes ?? [:] }
}

extension CodexFlow.User {
    /// Checks address and name.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.userEmail.require(
            Self.isEmail(normalizedEmail), "email", ["email": .string(email)])
        try CodexFlow.Rule.userName.require(
            name.isText(upTo: CodexFlow.Limits.nameCountMax), "name", ["name": .string(name)])
    }

    /// Whether the text has the form of an address.
    ///
    /// An address has a single `@`, with a local part before it and a domain after it. Only a
    /// message shows whether the address exists.
    static func isEmail(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard text.utf8.count <= CodexFlow.Limits.emailByteCountMax, parts.count == 2,
            !parts[0].isEmpty,
            parts[0].count <= 64, !text.contains(where: { $0.isWhitespace || $0 == "#" }),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && !$0.isLoose })
        else { return false }
        return parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && $0.first != 0x2D && $0.last != 0x2D }
    }
}

extension Unicode.Scalar {
    /// Whether the scalar is a part of a character that can also be written as one scalar.
    ///
    /// Code that compares bytes would see two different addresses.
    fileprivate var isLoose: Bool {
        // Nuktas and viramas (7, 9) also occur in composed text; the parts of Hangul have no class.
        ![0, 7, 9].contains(properties.canonicalCombiningClass.rawValue)
            || (0x1100...0x11FF).contains(value)
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
            name.isText(upTo: CodexFlow.Limits.nameCountMax), "name", ["name": .string(name)])
        if let key {
            try CodexFlow.Rule.projectKey.require(
                (2...6).contains(key.utf8.count) && (65...90).contains(key.utf8.first ?? 0)
                    && key.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) },
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
            title.isText(upTo: CodexFlow.Limits.nameCountMax), "title", ["title": .string(title)])
        try CodexFlow.Rule.taskBody.require(
            (body?.utf8.count ?? 0) <= CodexFlow.Limits.bodyByteCountMax, "body", body.sizes)
        if !labels.isEmpty {
            try CodexFlow.Rule.taskLabels.require(
                labels.count <= CodexFlow.Limits.labelCountMax && Set(labels).count == labels.count
                    && labels.allSatisfy { label in
                        label.isText(upTo: CodexFlow.Limits.labelCharacterCountMax)
                            // Labels are part of keys.
                            && label.utf8.count <= 4 * CodexFlow.Limits.labelCharacterCountMax
                            && label.unicodeScalars.allSatisfy {
                                $0 != "#" && $0.value >= 0x20 && $0.value != 0x7F
                            }
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
                    && Set(acceptanceCriteria.map(\.id)).count == acceptanceCriteria.count
                    && acceptanceCriteria.allSatisfy {
                        $0.id.isText(upTo: CodexFlow.Limits.nameCountMax)
                            && $0.text.isText(upTo: CodexFlow.Limits.criterionCharacterCountMax)
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
    }
}

extension CodexFlow.PRD {
    /// Checks number, title, size and the stories' identifiers.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.prdVersion.require(
            version >= 1, "version", ["version": version.attributeValue])
        try CodexFlow.Rule.prdTitle.require(
            title.isText(upTo: CodexFlow.Limits.nameCountMax), "title", ["title": .string(title)])
        let others = [nonGoals, risks, openQuestions].joined().reduce(summary?.utf8.count ?? 0) {
            $0 + $1.utf8.count
        }
        let byteCount = others + (content?.byteCount ?? 0)
        try CodexFlow.Rule.prdContent.require(
            byteCount <= CodexFlow.Limits.bodyByteCountMax, "content",
            ["byteCount": byteCount.attributeValue])
        guard let content else { return }
        let ids = content.userStories.map(\.id)
        try CodexFlow.Rule.prdStories.require(
            Set(ids).count == ids.count
                && ids.allSatisfy { (try? KeyTemplate.requirePart($0, name: "a story")) != nil },
            "content.userStories", ["ids": ids.attributeValue])
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
    /// Checks the note, and that the facts are within the limits of tasks.
    public func validate() throws(CodexError) {
        if let note {
            try CodexFlow.Rule.note.require(
                note.isText(upToBytes: CodexFlow.Limits.textByteCountMax), "note", note.sizes)
        }
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

extension CodexFlow.Analytics {
    /// Checks that the figures are small enough to be added up.
    public func validate() throws(CodexError) {
        let bound = CodexFlow.Limits.analyticsFigureMax
        func isSound(_ figure: Int) -> Bool { (-bound...bound).contains(figure) }
        let stats = teamStats.allSatisfy { stats in
            isSound(stats.tasksCompleted)
                && stats.hoursLogged.map { abs($0.double) <= Double(bound) && $0.isLoggable }
                    ?? true
        }
        try CodexFlow.Rule.analyticsFigures.require(
            isSound(metrics.tasksCompleted) && stats
                && flow.map { $0.figures.allSatisfy(isSound) } ?? true,
            "figures", ["date": date.attributeValue])
    }
}
