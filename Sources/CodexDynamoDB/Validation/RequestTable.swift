/// The members of each operation's input, and what AWS requires of them: the one place for both.
///
/// ``RequestShapes`` reads it, and ``RequestChecker`` checks each request by it. The facts are
/// those of AWS's service model. `Tools/Differential/constraints.py` compares them with the model
/// of botocore, and has a reason with a source for each difference.
///
/// A line without indentation begins a shape:
///
/// - `operation NAME`, `structure NAME`: the indented lines after it are the members. Each has
///   a name, a shape, and `required` if AWS reports a missing member with the other constraints,
///   or `present` if AWS reports it alone, before them.
/// - `list NAME ELEMENT`, `map NAME KEY VALUE`.
/// - `string NAME`, `integer NAME`, `long NAME`, `boolean NAME`.
/// - `name NAME SHAPE`: an ARN, or a table's name with the constraints of the shape. The shape's
///   own constraints are those of an ARN, and its `min` is that of both.
/// - `value NAME`: an attribute value, which ``AttributeReader`` checks.
/// - `unchecked NAME`: what the service refuses as a whole.
///
/// Words of constraints follow, in the order in which AWS reports them: `min=`, `max=`, `pattern=`,
/// `enum=`. The words of an `enum` are in the order of AWS's message. Three words more say how AWS
/// reports a violation:
///
/// - `plain`: after all others, alone, and without the value.
/// - `filled`: an empty map is refused by a sentence of its own, after all others.
/// - `json`: the value is shown as JSON and not in Java's form.
///
/// Members are in the order of AWS's messages. It is the one in which Java's `HashMap` walks over
/// the names with a lowercase first letter. This rule gives the order of all recorded messages:
/// those of CreateTable, UpdateItem, PutItem, DeleteItem, Scan and UpdateTimeToLive. Names that
/// share a bucket are in the reverse order of the model, as `limit` and `attributesToGet` of Scan.
///
/// Docs/DynamoDB-coverage.md has the source of each kind of message.
enum RequestTable {
    static let text = """
        operation GetItem
            ExpressionAttributeNames ExpressionAttributeNameMap
            ProjectionExpression ProjectionExpression
            ConsistentRead ConsistentRead
            AttributesToGet AttributeNameList
            ReturnConsumedCapacity ReturnConsumedCapacity
            Key Key required
            TableName TableArn required
        map ExpressionAttributeNameMap ExpressionAttributeNameVariable AttributeName
        string ProjectionExpression
        boolean ConsistentRead
        list AttributeNameList AttributeName min=1
        string ReturnConsumedCapacity enum=INDEXES,TOTAL,NONE
        map Key AttributeName AttributeValue
        name TableArn TableName min=1 max=1024
        string ExpressionAttributeNameVariable
        string AttributeName
        value AttributeValue
        string TableName min=3 max=255 pattern=[a-zA-Z0-9_.-]+

        operation PutItem
            ReturnValues ReturnValue
            ConditionalOperator ConditionalOperator
            ConditionExpression ConditionExpression
            Item PutItemInputAttributeMap required
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            ExpressionAttributeNames ExpressionAttributeNameMap
            Expected ExpectedAttributeMap
            ReturnConsumedCapacity ReturnConsumedCapacity
            ReturnItemCollectionMetrics ReturnItemCollectionMetrics
            TableName TableArn required
        string ReturnValue enum=ALL_NEW,UPDATED_OLD,ALL_OLD,NONE,UPDATED_NEW
        string ConditionalOperator enum=OR,AND
        string ConditionExpression
        map PutItemInputAttributeMap AttributeName AttributeValue
        string ReturnValuesOnConditionCheckFailure enum=ALL_OLD,NONE
        map ExpressionAttributeValueMap ExpressionAttributeValueVariable AttributeValue
        map ExpectedAttributeMap AttributeName ExpectedAttributeValue
        string ReturnItemCollectionMetrics enum=SIZE,NONE
        string ExpressionAttributeValueVariable
        structure ExpectedAttributeValue
            AttributeValueList AttributeValueList
            ComparisonOperator ComparisonOperator
            Exists BooleanObject
            Value AttributeValue
        list AttributeValueList AttributeValue
        string ComparisonOperator enum=IN,NULL,BETWEEN,LT,NOT_CONTAINS,EQ,\
        GT,NOT_NULL,NE,LE,BEGINS_WITH,GE,CONTAINS
        boolean BooleanObject

        operation UpdateItem
            ConditionExpression ConditionExpression
            ExpressionAttributeNames ExpressionAttributeNameMap
            Expected ExpectedAttributeMap
            ReturnConsumedCapacity ReturnConsumedCapacity
            TableName TableArn required
            ReturnValues ReturnValue
            ConditionalOperator ConditionalOperator
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            AttributeUpdates AttributeUpdates
            UpdateExpression UpdateExpression
            ReturnItemCollectionMetrics ReturnItemCollectionMetrics
            Key Key required
        map AttributeUpdates AttributeName AttributeValueUpdate
        string UpdateExpression
        structure AttributeValueUpdate
            Action AttributeAction
            Value AttributeValue
        string AttributeAction enum=ADD,DELETE,PUT

        operation DeleteItem
            ReturnValues ReturnValue
            ConditionalOperator ConditionalOperator
            ConditionExpression ConditionExpression
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            ExpressionAttributeNames ExpressionAttributeNameMap
            Expected ExpectedAttributeMap
            ReturnConsumedCapacity ReturnConsumedCapacity
            ReturnItemCollectionMetrics ReturnItemCollectionMetrics
            Key Key required
            TableName TableArn required

        operation Query
            Select Select
            ExpressionAttributeNames ExpressionAttributeNameMap
            ExclusiveStartKey Key
            IndexName IndexName
            ProjectionExpression ProjectionExpression
            ReturnConsumedCapacity ReturnConsumedCapacity
            QueryFilter FilterConditionMap
            ScanIndexForward BooleanObject
            TableName TableArn required
            ConditionalOperator ConditionalOperator
            ExpressionAttributeValues ExpressionAttributeValueMap
            KeyConditionExpression KeyExpression
            ConsistentRead ConsistentRead
            FilterExpression ConditionExpression
            Limit QueryLimit
            AttributesToGet AttributeNameList
            KeyConditions KeyConditions
        string Select enum=SPECIFIC_ATTRIBUTES,COUNT,ALL_ATTRIBUTES,ALL_PROJECTED_ATTRIBUTES
        string IndexName min=3 max=255 pattern=[a-zA-Z0-9_.-]+
        map FilterConditionMap AttributeName Condition
        string KeyExpression
        integer QueryLimit min=1 plain
        map KeyConditions AttributeName Condition
        structure Condition
            AttributeValueList AttributeValueList
            ComparisonOperator ComparisonOperator required

        operation Scan
            Select Select
            ExpressionAttributeNames ExpressionAttributeNameMap
            ExclusiveStartKey Key
            IndexName IndexName
            ProjectionExpression ProjectionExpression
            TotalSegments ScanTotalSegments
            ReturnConsumedCapacity ReturnConsumedCapacity
            TableName TableArn required
            ConditionalOperator ConditionalOperator
            ScanFilter FilterConditionMap
            ExpressionAttributeValues ExpressionAttributeValueMap
            ConsistentRead ConsistentRead
            Segment ScanSegment
            FilterExpression ConditionExpression
            Limit PositiveIntegerObject
            AttributesToGet AttributeNameList
        integer ScanTotalSegments min=1 max=1000000
        integer ScanSegment min=0 max=999999
        integer PositiveIntegerObject min=1

        operation BatchGetItem
            ReturnConsumedCapacity ReturnConsumedCapacity
            RequestItems BatchGetRequestMap required
        map BatchGetRequestMap TableArn KeysAndAttributes filled json
        structure KeysAndAttributes
            ExpressionAttributeNames ExpressionAttributeNameMap
            Keys KeyList required
            ProjectionExpression ProjectionExpression
            ConsistentRead ConsistentRead
            AttributesToGet AttributeNameList
        list KeyList Key min=1 max=100 plain

        operation BatchWriteItem
            ReturnConsumedCapacity ReturnConsumedCapacity
            RequestItems BatchWriteItemRequestMap required
            ReturnItemCollectionMetrics ReturnItemCollectionMetrics
        map BatchWriteItemRequestMap TableArn WriteRequests filled
        list WriteRequests WriteRequest min=1 max=25
        structure WriteRequest
            PutRequest PutRequest
            DeleteRequest DeleteRequest
        structure PutRequest
            Item PutItemInputAttributeMap required
        structure DeleteRequest
            Key Key required

        operation TransactGetItems
            TransactItems TransactGetItemList required
            ReturnConsumedCapacity ReturnConsumedCapacity
        list TransactGetItemList TransactGetItem min=1 max=100
        structure TransactGetItem
            Get Get required
        structure Get
            ExpressionAttributeNames ExpressionAttributeNameMap
            ProjectionExpression ProjectionExpression
            Key Key required
            TableName TableArn required

        operation TransactWriteItems
            TransactItems TransactWriteItemList required
            ClientRequestToken ClientRequestToken
            ReturnConsumedCapacity ReturnConsumedCapacity
            ReturnItemCollectionMetrics ReturnItemCollectionMetrics
        list TransactWriteItemList TransactWriteItem min=1 max=100
        string ClientRequestToken min=1 max=36
        structure TransactWriteItem
            Update Update
            ConditionCheck ConditionCheck
            Delete Delete
            Put Put
        structure Update
            ConditionExpression ConditionExpression
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            ExpressionAttributeNames ExpressionAttributeNameMap
            UpdateExpression UpdateExpression required
            Key Key required
            TableName TableArn required
        structure ConditionCheck
            ConditionExpression ConditionExpression required
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            ExpressionAttributeNames ExpressionAttributeNameMap
            Key Key required
            TableName TableArn required
        structure Delete
            ConditionExpression ConditionExpression
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            ExpressionAttributeNames ExpressionAttributeNameMap
            Key Key required
            TableName TableArn required
        structure Put
            ConditionExpression ConditionExpression
            Item PutItemInputAttributeMap required
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ExpressionAttributeValues ExpressionAttributeValueMap
            ExpressionAttributeNames ExpressionAttributeNameMap
            TableName TableArn required

        operation ExecuteStatement
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            NextToken PartiQLNextToken
            ConsistentRead ConsistentRead
            Limit PositiveIntegerObject
            Statement PartiQLStatement required
            ReturnConsumedCapacity ReturnConsumedCapacity
            Parameters PreparedStatementParameters
        string PartiQLNextToken min=1 max=32768
        string PartiQLStatement min=1 max=8192
        list PreparedStatementParameters AttributeValue min=1

        operation BatchExecuteStatement
            ReturnConsumedCapacity ReturnConsumedCapacity
            Statements PartiQLBatchRequest required
        list PartiQLBatchRequest BatchStatementRequest min=1 max=25
        structure BatchStatementRequest
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            ConsistentRead ConsistentRead
            Statement PartiQLStatement required
            Parameters PreparedStatementParameters

        operation ExecuteTransaction
            ClientRequestToken ClientRequestToken
            TransactStatements ParameterizedStatements required
            ReturnConsumedCapacity ReturnConsumedCapacity
        list ParameterizedStatements ParameterizedStatement min=1 max=100
        structure ParameterizedStatement
            ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
            Statement PartiQLStatement required
            Parameters PreparedStatementParameters

        operation CreateTable
            GlobalTableSettingsReplicationMode GlobalTableSettingsReplicationMode
            GlobalSecondaryIndexes GlobalSecondaryIndexList
            GlobalTableSourceArn TableArn
            BillingMode BillingMode
            OnDemandThroughput OnDemandThroughput
            SSESpecification SSESpecification
            KeySchema KeySchema required
            DeletionProtectionEnabled DeletionProtectionEnabled
            ProvisionedThroughput ProvisionedThroughput
            TableClass TableClass
            Tags TagList
            TableName TableReference present
            ResourcePolicy ResourcePolicy
            WarmThroughput WarmThroughput
            StreamSpecification StreamSpecification
            AttributeDefinitions AttributeDefinitions required
            LocalSecondaryIndexes LocalSecondaryIndexList
        string GlobalTableSettingsReplicationMode enum=ENABLED,DISABLED,ENABLED_WITH_OVERRIDES
        list GlobalSecondaryIndexList GlobalSecondaryIndex
        string BillingMode enum=PROVISIONED,PAY_PER_REQUEST
        structure OnDemandThroughput
            MaxReadRequestUnits LongObject
            MaxWriteRequestUnits LongObject
        structure SSESpecification
            KMSMasterKeyId KMSMasterKeyId
            SSEType SSEType
            Enabled SSEEnabled
        list KeySchema KeySchemaElement min=1 max=2
        boolean DeletionProtectionEnabled
        structure ProvisionedThroughput
            WriteCapacityUnits PositiveLongObject required
            ReadCapacityUnits PositiveLongObject required
        string TableClass
        list TagList Tag
        name TableReference TableName max=1024
        string ResourcePolicy
        structure WarmThroughput
            WriteUnitsPerSecond LongObject
            ReadUnitsPerSecond LongObject
        structure StreamSpecification
            StreamViewType StreamViewType
            StreamEnabled StreamEnabled required
        list AttributeDefinitions AttributeDefinition
        list LocalSecondaryIndexList LocalSecondaryIndex
        structure GlobalSecondaryIndex
            WarmThroughput WarmThroughput
            OnDemandThroughput OnDemandThroughput
            IndexName IndexName required
            KeySchema IndexKeySchema required
            Projection Projection required
            ProvisionedThroughput ProvisionedThroughput
        long LongObject
        string KMSMasterKeyId min=1
        string SSEType enum=AES256,KMS
        boolean SSEEnabled
        structure KeySchemaElement
            AttributeName KeySchemaAttributeName required
            KeyType KeyType required
        long PositiveLongObject min=1
        structure Tag
            Value TagValueString
            Key TagKeyString
        string StreamViewType enum=OLD_IMAGE,KEYS_ONLY,NEW_AND_OLD_IMAGES,NEW_IMAGE
        boolean StreamEnabled
        structure AttributeDefinition
            AttributeType ScalarAttributeType required
            AttributeName KeySchemaAttributeName required
        structure LocalSecondaryIndex
            IndexName IndexName required
            KeySchema IndexKeySchema required
            Projection Projection required
        list IndexKeySchema KeySchemaElement min=1
        structure Projection
            NonKeyAttributes NonKeyAttributeNameList
            ProjectionType ProjectionType
        string KeySchemaAttributeName min=1 max=255
        string KeyType enum=HASH,RANGE
        string TagValueString
        string TagKeyString
        string ScalarAttributeType enum=B,N,S
        list NonKeyAttributeNameList NonKeyAttributeName min=1
        string ProjectionType enum=ALL,INCLUDE,KEYS_ONLY
        string NonKeyAttributeName min=1 max=255

        operation DescribeTable
            TableName TableReference present

        operation UpdateTable
            GlobalTableSettingsReplicationMode GlobalTableSettingsReplicationMode
            ReplicaUpdates ReplicationGroupUpdateList
            BillingMode BillingMode
            OnDemandThroughput OnDemandThroughput
            SSESpecification SSESpecification
            GlobalTableWitnessUpdates GlobalTableWitnessGroupUpdateList
            MultiRegionConsistency MultiRegionConsistency
            DeletionProtectionEnabled DeletionProtectionEnabled
            ProvisionedThroughput ProvisionedThroughput
            TableClass TableClass
            TableName TableReference present
            GlobalSecondaryIndexUpdates GlobalSecondaryIndexUpdateList
            WarmThroughput WarmThroughput
            StreamSpecification StreamSpecification
            AttributeDefinitions AttributeDefinitions
        unchecked ReplicationGroupUpdateList
        unchecked GlobalTableWitnessGroupUpdateList
        string MultiRegionConsistency enum=EVENTUAL,STRONG
        list GlobalSecondaryIndexUpdateList GlobalSecondaryIndexUpdate
        structure GlobalSecondaryIndexUpdate
            Create CreateGlobalSecondaryIndexAction
            Update UpdateGlobalSecondaryIndexAction
            Delete DeleteGlobalSecondaryIndexAction
        structure CreateGlobalSecondaryIndexAction
            WarmThroughput WarmThroughput
            OnDemandThroughput OnDemandThroughput
            IndexName IndexName required
            KeySchema IndexKeySchema required
            Projection Projection required
            ProvisionedThroughput ProvisionedThroughput
        structure UpdateGlobalSecondaryIndexAction
            WarmThroughput WarmThroughput
            OnDemandThroughput OnDemandThroughput
            IndexName IndexName required
            ProvisionedThroughput ProvisionedThroughput
        structure DeleteGlobalSecondaryIndexAction
            IndexName IndexName required

        operation DeleteTable
            TableName TableReference present

        operation ListTables
            Limit ListTablesInputLimit
            ExclusiveStartTableName StartTableName
        integer ListTablesInputLimit min=1 max=100
        string StartTableName pattern=[a-zA-Z0-9_.-]+ min=3 max=255

        operation UpdateTimeToLive
            TimeToLiveSpecification TimeToLiveSpecification required
            TableName TableReference present
        structure TimeToLiveSpecification
            AttributeName TimeToLiveAttributeName required
            Enabled TimeToLiveEnabled required
        string TimeToLiveAttributeName min=1 max=255
        boolean TimeToLiveEnabled

        operation DescribeTimeToLive
            TableName TableReference present

        operation TagResource
            ResourceArn ResourceArnString
            Tags TagList required
        string ResourceArnString

        operation UntagResource
            TagKeys TagKeyList required
            ResourceArn ResourceArnString
        list TagKeyList TagKeyString

        operation ListTagsOfResource
            NextToken NextTokenString
            ResourceArn ResourceArnString
        string NextTokenString

        operation DescribeContinuousBackups
            TableName TableReference required

        operation UpdateContinuousBackups
            PointInTimeRecoverySpecification PointInTimeRecoverySpecification required
            TableName TableReference required
        structure PointInTimeRecoverySpecification
            RecoveryPeriodInDays RecoveryPeriodInDays
            PointInTimeRecoveryEnabled BooleanObject required
        integer RecoveryPeriodInDays min=1 max=35

        operation DescribeLimits

        operation DescribeEndpoints

        operation ListStreams
            Limit StreamsLimit
            ExclusiveStartStreamArn StreamArn
            TableName TableName
        integer StreamsLimit min=1 max=100
        string StreamArn min=37 max=1024

        operation DescribeStream
            StreamArn StreamArn required
            ExclusiveStartShardId ShardId
            ShardFilter ShardFilter
            Limit StreamsLimit
        string ShardId min=28 max=65
        structure ShardFilter
            ShardId ShardId
            Type ShardFilterType
        string ShardFilterType enum=CHILD_SHARDS

        operation GetShardIterator
            SequenceNumber SequenceNumber
            StreamArn StreamArn required
            ShardIteratorType ShardIteratorType required
            ShardId ShardId required
        string SequenceNumber min=21 max=40
        string ShardIteratorType enum=AFTER_SEQUENCE_NUMBER,LATEST,\
        AT_SEQUENCE_NUMBER,TRIM_HORIZON

        operation GetRecords
            Limit RecordsLimit
            ShardIterator ShardIterator required
        integer RecordsLimit min=1 max=1000
        string ShardIterator min=1 max=2048

        """
}
