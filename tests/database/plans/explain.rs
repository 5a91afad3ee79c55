//! Plans of prepared statements.

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, Statement, Value, Values};

use crate::{common::database::Backend, fixture::Store};

/// A connection for `EXPLAIN`.
pub(super) struct Planner {
    pub(super) backend: Backend,
    db: DatabaseConnection,
    prepared: usize,
}

impl Planner {
    pub(super) async fn connect(store: &Store) -> Self {
        let db = store.connect(1).await.unwrap();
        if let Backend::Postgres(_) = store.backend {
            // A generic plan for the bound types, independent of the values.
            let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = on";
            db.execute_unprepared(settings).await.unwrap();
        }
        Self {
            backend: store.backend.clone(),
            db,
            prepared: 0,
        }
    }

    pub(super) async fn plan(&mut self, statement: &Statement) -> String {
        let backend = self.db.get_database_backend();
        let values = statement.values.clone().unwrap_or(Values(Vec::new()));
        let sql = &statement.sql;
        let (explain, line): (_, fn(&QueryResult) -> String) = match self.backend {
            Backend::Mysql(_) => {
                let sql = format!("EXPLAIN {sql}");
                let explain = Statement::from_sql_and_values(backend, sql, values);
                (explain, mysql_line)
            }
            Backend::Postgres(_) => {
                self.prepared += 1;
                let name = format!("statement_{}", self.prepared);
                let execute = self.prepare(&name, sql, &values).await;
                let explain = format!("EXPLAIN {execute}");
                let explain = Statement::from_string(backend, explain);
                (explain, |row| row.try_get("", "QUERY PLAN").unwrap())
            }
            Backend::Sqlite => {
                let sql = format!("EXPLAIN QUERY PLAN {sql}");
                let explain = Statement::from_sql_and_values(backend, sql, values);
                (explain, |row| row.try_get("", "detail").unwrap())
            }
        };
        let rows = self.db.query_all_raw(explain).await.unwrap();
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Prepares a statement with the types that sqlx binds; returns the statement that executes it.
    async fn prepare(&self, name: &str, sql: &str, Values(values): &Values) -> String {
        let list = |items: Vec<&str>| match items.is_empty() {
            true => String::new(),
            false => format!("({})", items.join(", ")),
        };
        let types = list(values.iter().map(postgres_type).collect());
        let prepare = format!("PREPARE {name}{types} AS {sql}");
        self.db.execute_unprepared(&prepare).await.unwrap();
        let nulls = list(values.iter().map(|_| "NULL").collect());
        format!("EXECUTE {name}{nulls}")
    }
}

fn postgres_type(value: &Value) -> &'static str {
    match value {
        Value::BigInt(_) | Value::BigUnsigned(_) => "bigint",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::String(_) => "text",
        Value::TimeDateTime(_) => "timestamp",
        Value::Uuid(_) => "uuid",
        other => panic!("no type is known for {other:?}"),
    }
}

/// Returns table, kind of access, and index; derived tables are made by the statement itself.
fn mysql_line(row: &QueryResult) -> String {
    let [table, access, key] =
        ["table", "type", "key"].map(|column| row.try_get::<Option<String>>("", column).unwrap());
    let [table, access, key] = [table, access, key].map(Option::unwrap_or_default);
    match table.starts_with('<') {
        true => table,
        false => format!("{table} {access} {key} "),
    }
}

/// Returns whether a plan scans a whole table or a whole index. Scans of tables derived by the
/// statement itself do not count.
pub(super) fn is_scan(backend: &Backend, plan: &str) -> bool {
    match backend {
        Backend::Mysql(_) => plan.contains(" ALL ") || plan.contains(" index "),
        Backend::Postgres(_) => plan.contains("Seq Scan"),
        Backend::Sqlite => {
            let made = |name: &str| plan.contains(&format!("CO-ROUTINE {name}"));
            let mut scans = plan.lines().filter_map(|line| line.strip_prefix("SCAN "));
            scans.any(|table| !made(table))
        }
    }
}
