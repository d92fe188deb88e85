internal import FoundationEssentials

// The rules of one value by itself.

extension Limits {
    /// Most bytes of an e-mail address (RFC 5321, 4.5.3.1.3, less the angle brackets).
    public static let emailByteCountMax = 254
    /// Most characters of a name or title.
    public static let nameCountMax = 200
    /// Most bytes of a summary or comment.
    public static let textByteCountMax = 10_000
    /// Most bytes of a task's description or a PRD version's content.
    public static let bodyByteCountMax = 200_000
}

extension String {
    /// Whether it has something to see, and at most `count` characters.
    fileprivate func isText(upTo count: Int) -> Bool {
        // Cheap for what is short: no character is less than a byte.
        (utf8.count <= count || self.count <= count) && contains { !$0.isWhitespace }
    }
}

extension CodexFlow.User {
    /// Checks address and name.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.userEmail.require(
            Self.isEmail(normalizedEmail), "email", ["email": .string(email)])
        try CodexFlow.Rule.userName.require(
            name.isText(upTo: Limits.nameCountMax), "name", ["name": .string(name)])
    }

    /// Whether text is an address.
    ///
    /// That is one `@` with something before it and a domain after it; whether somebody reads what is
    /// sent there only sending shows.
    static func isEmail(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard text.utf8.count <= Limits.emailByteCountMax, parts.count == 2, !parts[0].isEmpty,
            parts[0].count <= 64, !text.contains(where: { $0.isWhitespace || $0 == "#" }),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return false }
        return parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && $0.first != 0x2D && $0.last != 0x2D }
    }
}

extension CodexFlow.Session {
    /// Checks when it ends.
    public func validate() throws(CodexError) {
        let lifetime = expiresAt.timeIntervalSince(createdAt)
        try CodexFlow.Rule.sessionLifetime.require(
            lifetime > 0 && lifetime <= 366 * 86_400, "expiresAt",
            ["createdAt": createdAt.attributeValue, "expiresAt": expiresAt.attributeValue])
    }
}

extension CodexFlow.Project {
    /// Checks name, key, days and scale.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.projectName.require(
            name.isText(upTo: Limits.nameCountMax), "name", ["name": .string(name)])
        if let key {
            try CodexFlow.Rule.projectKey.require(
                (2...6).contains(key.utf8.count) && (65...90).contains(key.utf8.first ?? 0)
                    && key.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) },
                "key", ["key": .string(key)])
        }
        try CodexFlow.Rule.projectSummary.require(
            (summary?.utf8.count ?? 0) <= Limits.textByteCountMax, "summary")
        if let startDate, let targetDate {
            try CodexFlow.Rule.projectDates.require(
                startDate <= targetDate, "targetDate",
                [
                    "startDate": startDate.attributeValue, "targetDate": targetDate.attributeValue,
                ])
        }
        try CodexFlow.Rule.projectScale.require(
            estimateScale.count <= 20 && estimateScale.allSatisfy { (0...1000).contains($0) }
                && zip(estimateScale, estimateScale.dropFirst()).allSatisfy { $0 < $1 },
            "estimateScale", ["estimateScale": estimateScale.attributeValue])
        if let hoursPerPoint {
            try CodexFlow.Rule.projectHours.require(
                (1...100).contains(hoursPerPoint), "hoursPerPoint",
                ["hoursPerPoint": hoursPerPoint.attributeValue])
        }
    }
}

extension CodexFlow.Task {
    /// Checks title, description, labels, numbers and criteria.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.taskTitle.require(
            title.isText(upTo: Limits.nameCountMax), "title", ["title": .string(title)])
        try CodexFlow.Rule.taskBody.require(
            (body?.utf8.count ?? 0) <= Limits.bodyByteCountMax, "body")
        if !labels.isEmpty {
            try CodexFlow.Rule.taskLabels.require(
                labels.count <= 20 && Set(labels).count == labels.count
                    && labels.allSatisfy { label in
                        label.isText(upTo: 50)
                            && label.unicodeScalars.allSatisfy {
                                $0 != "#" && $0.value >= 0x20 && $0.value != 0x7F
                            }
                    },
                "labels", ["labels": labels.attributeValue])
        }
        if let estimate {
            try CodexFlow.Rule.taskEstimate.require(
                (0...1000).contains(estimate), "estimate", ["estimate": estimate.attributeValue])
        }
        if let complexity {
            try CodexFlow.Rule.taskComplexity.require(
                (1...10).contains(complexity), "complexity",
                ["complexity": complexity.attributeValue])
        }
        if let number {
            try CodexFlow.Rule.taskNumber.require(
                number > 0, "number", ["number": number.attributeValue])
        }
        if !acceptanceCriteria.isEmpty {
            try CodexFlow.Rule.taskCriteria.require(
                acceptanceCriteria.count <= 50
                    && Set(acceptanceCriteria.map(\.id)).count == acceptanceCriteria.count
                    && acceptanceCriteria.allSatisfy {
                        !$0.id.isEmpty && $0.text.isText(upTo: 1000)
                    },
                "acceptanceCriteria", ["acceptanceCriteria": acceptanceCriteria.attributeValue])
        }
    }
}

extension CodexFlow.PRD {
    /// Checks number, title, size and the stories' identifiers.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.prdVersion.require(
            version >= 1, "version", ["version": version.attributeValue])
        try CodexFlow.Rule.prdTitle.require(
            title.isText(upTo: Limits.nameCountMax), "title", ["title": .string(title)])
        guard let content else { return }
        try CodexFlow.Rule.prdContent.require(
            content.byteCount <= Limits.bodyByteCountMax, "content",
            ["byteCount": content.byteCount.attributeValue])
        let ids = content.userStories.map(\.id)
        try CodexFlow.Rule.prdStories.require(
            Set(ids).count == ids.count
                && ids.allSatisfy { (try? KeyTemplate.requirePart($0, name: "a story")) != nil },
            "content.userStories", ["ids": ids.attributeValue])
    }
}

extension CodexFlow.PRD.Content {
    /// How much text there is.
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
            text.isText(upTo: Limits.textByteCountMax)
                && text.utf8.count <= Limits.textByteCountMax, "text")
    }
}

extension CodexFlow.Dependency {
    /// Checks that no task blocks itself.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.dependencySelf.require(
            taskID != blockerID, "blockerId", ["blockerId": blockerID.attributeValue])
    }
}

extension CodexFlow.WorkLog {
    /// Checks the hours.
    public func validate() throws(CodexError) {
        try CodexFlow.Rule.workHours.require(
            hours > 0 && hours <= 24 && (hours.int64 != nil || hours.exponent >= -4), "hours",
            ["hours": .number(hours)])
    }
}
