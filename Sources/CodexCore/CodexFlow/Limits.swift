extension CodexFlow {
    /// Limits of CodexFlow's models and rules.
    public enum Limits {
        /// Most bytes of an e-mail address (RFC 5321, 4.5.3.1.3, less the angle brackets).
        public static let emailByteCountMax = 254
        /// Most bytes of the part of an e-mail address before the `@` (RFC 5321, 4.5.3.1.1).
        public static let emailLocalByteCountMax = 64
        /// Most bytes of a domain name in ASCII (RFC 1035, 2.3.4, without the root's dot).
        public static let domainByteCountMax = 253
        /// Most bytes of a label of a domain name in ASCII (RFC 1035, 2.3.4).
        public static let domainLabelByteCountMax = 63
        /// Most characters of a name or title; a title has 256 on GitHub, and 255 in Jira.
        public static let nameCountMax = 256
        /// Most characters of a project's key, as Jira's.
        public static let projectKeyCountMax = 10
        /// Most bytes of a summary, comment or note (64 KiB): GitHub's comments have 65,536
        /// characters, Jira's 32,767.
        public static let textByteCountMax = 65_536
        /// Most bytes of a task's description or of a PRD version's content.
        public static let bodyByteCountMax = 200_000
        /// Most bytes of a task's metadata, as DynamoDB counts them.
        public static let metadataByteCountMax = 100_000
        /// Longest event pattern, in characters of Unicode (EventBridge's quota "Event pattern
        /// size").
        public static let eventPatternCharacterCountMax = 2048
        /// Most combinations of an event pattern's `$or`: the product of the lengths of their lists
        /// (EventBridge's limit).
        public static let eventPatternCombinationCountMax = 1000
        /// Most bytes of a value that history keeps whole.
        public static let historyValueByteCountMax = 1000
        /// Most sessions of a user; beyond it, the oldest sessions end.
        public static let sessionCountMax = 50
        /// Most seconds of a session.
        public static let sessionSecondsMax = 366.0 * 86_400
        /// Fewest bytes of an idempotency key under which a session is opened.
        ///
        /// The key masks the stored token, so it must not be a word or a count.
        public static let sessionKeyByteCountMin = 16
        /// Most bytes of a new task's identifier.
        ///
        /// With the project's identifier, it has 1,010 bytes at most. So there is room for each
        /// later key of the task, and for the keys of its history.
        public static let taskIdentifierByteCountMax = 978
        /// Most bytes of a task's item after a change of its content, as DynamoDB counts them.
        ///
        /// The rest of ``DynamoDBLimits/itemByteCountMax`` is for what claims, moves and the queue
        /// add later.
        public static let taskItemByteCountMax = DynamoDBLimits.itemByteCountMax - 4096
        /// The highest number of a task.
        public static let taskNumberMax = 9_999_999_999
        /// Most labels of a task, as of an issue on GitHub.
        public static let labelCountMax = 100
        /// Most characters of a label, as Jira's.
        public static let labelCharacterCountMax = 255
        /// Most acceptance criteria of a task.
        public static let criterionCountMax = 50
        /// Most characters of an acceptance criterion.
        public static let criterionCharacterCountMax = 1000
        /// The highest estimate, in points.
        public static let estimateMax = 1000
        /// Most estimates of a project's scale.
        public static let scaleCountMax = 20
        /// Most hours that a point stands for.
        public static let hoursPerPointMax = 100
        /// Most levels of tasks and their parts.
        public static let taskDepthMax = 3
        /// Most parts of a task that are not canceled.
        public static let subtaskCountMax = 100
        /// Most parts of a task, canceled ones included.
        public static let subtaskTotalCountMax = 400
        /// Most tasks that a task waits for, and most tasks that wait for it.
        ///
        /// With both at this limit, a task can still be finished within
        /// ``DynamoDBLimits/transactionActionCountMax`` actions.
        public static let dependencyCountMax = 40
        /// Most tasks that a new task waits for, if it is created together with its dependencies on
        /// a remote table: a transaction there has 100 actions at most.
        public static let remoteBlockerCountMax = 14
        /// Most parts of a task that gets another parent on a remote table.
        public static let remotePartCountMax = 40
        /// Most archived projects in which a user who is deleted on a remote table has open tasks.
        public static let remoteProjectCountMax = 40
        /// Most approvals that a request for changes takes back on a remote table.
        public static let remoteApprovalCountMax = 60
        /// Most tasks and links between them that the check for a circle of waiting tasks reads.
        public static let dependencyWalkMax = 2000
        /// The longest claim of a task.
        public static let leaseMax: Duration = .seconds(86_400)
        /// The highest figure of a day's analytics.
        public static let analyticsFigureMax = 1_000_000_000_000
        /// Most members that a day of the analytics lists.
        public static let analyticsMemberMax = 1000
        /// Most days of a report.
        public static let reportDayCountMax = 4000
    }
}
