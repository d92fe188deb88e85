extension CodexFlow {
    /// Limits of CodexFlow's models and rules.
    public enum Limits {
        /// Most bytes of an e-mail address (RFC 5321, 4.5.3.1.3, less the angle brackets).
        public static let emailByteCountMax = 254
        /// Most characters of a name or title.
        public static let nameCountMax = 200
        /// Most bytes of a summary, comment or note.
        public static let textByteCountMax = 10_000
        /// Most bytes of a task's description or of a PRD version's content.
        public static let bodyByteCountMax = 200_000
        /// Most bytes of a task's metadata, as DynamoDB counts them.
        public static let metadataByteCountMax = 100_000
        /// Longest event pattern, in characters of Unicode (EventBridge's quota "Event pattern
        /// size").
        public static let eventPatternCharacterCountMax = 2048
        /// Most bytes of a value that history keeps whole.
        public static let historyValueByteCountMax = 1000
        /// Most sessions of a user; beyond it, the oldest sessions end.
        public static let sessionCountMax = 50
        /// Most seconds of a session.
        public static let sessionSecondsMax = 366.0 * 86_400
        /// The highest number of a task.
        public static let taskNumberMax = 9_999_999_999
        /// Most labels of a task.
        public static let labelCountMax = 20
        /// Most characters of a label.
        public static let labelCharacterCountMax = 50
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
        /// Most parts of a task.
        public static let subtaskCountMax = 100
        /// Most tasks that a task waits for, and most tasks that wait for it.
        ///
        /// With both at this limit, a task can still be finished within
        /// ``DynamoDBLimits/transactionActionCountMax`` actions.
        public static let dependencyCountMax = 40
        /// The longest claim of a task.
        public static let leaseMax: Duration = .seconds(86_400)
        /// The highest figure of a day's analytics.
        public static let analyticsFigureMax = 1_000_000_000_000
        /// Most days of a report.
        public static let reportDayCountMax = 4000
    }
}
