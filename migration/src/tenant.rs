//! Tables with the tenant's walls by default: the company first in the key, composite foreign
//! keys, and on PostgreSQL the policy. A step that uses [`Table`] cannot forget them.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

/// A table as it will be created on either database.
pub struct Table {
    name: &'static str,
    tenant: bool,
    backend: DbBackend,
    columns: Vec<String>,
    constraints: Vec<String>,
    indexes: Vec<(bool, String)>,
    /// What work across companies may do with its rows, besides reading them.
    platform_writes: &'static str,
    by_month: bool,
}

impl Table {
    /// A table of the tenants: primary key `(company_id, id)`.
    #[must_use]
    pub fn of_tenant(backend: DbBackend, name: &'static str) -> Self {
        let mut table = Self::empty(backend, name, true);
        let uuid = table.uuid();
        table.columns.push(format!("company_id {uuid} NOT NULL REFERENCES companies (id)"));
        table.columns.push(format!("id {uuid} NOT NULL"));
        table.constraints.push("PRIMARY KEY (company_id, id)".into());
        table
    }

    /// A table of the platform: primary key `id`. Their list is checked by a test.
    #[must_use]
    pub fn of_platform(backend: DbBackend, name: &'static str) -> Self {
        let mut table = Self::empty(backend, name, false).platform_writes("INSERT, UPDATE, DELETE");
        let uuid = table.uuid();
        table.columns.push(format!("id {uuid} NOT NULL PRIMARY KEY"));
        table
    }

    fn empty(backend: DbBackend, name: &'static str, tenant: bool) -> Self {
        Self { name, tenant, backend, columns: vec![], constraints: vec![], indexes: vec![], platform_writes: "", by_month: false }
    }

    fn uuid(&self) -> &'static str {
        if self.backend == DbBackend::Postgres { "uuid" } else { "uuid_text" }
    }

    fn push(mut self, names: &[&str], kind: &str, required: bool) -> Self {
        let null = if required { " NOT NULL" } else { "" };
        self.columns.extend(names.iter().map(|name| format!("{name} {kind}{null}")));
        self
    }

    /// Texts; folded by bytes, so that both databases sort alike.
    #[must_use]
    pub fn texts(self, names: &[&str]) -> Self {
        let kind = self.text_kind();
        self.push(names, kind, true)
    }

    #[must_use]
    pub fn texts_opt(self, names: &[&str]) -> Self {
        let kind = self.text_kind();
        self.push(names, kind, false)
    }

    fn text_kind(&self) -> &'static str {
        if self.backend == DbBackend::Postgres { "text COLLATE \"C\"" } else { "text" }
    }

    /// Whole numbers: money in minor units, instants in microseconds, quantities, versions.
    #[must_use]
    pub fn ints(self, names: &[&str]) -> Self {
        self.push(names, "bigint", true)
    }

    #[must_use]
    pub fn ints_opt(self, names: &[&str]) -> Self {
        self.push(names, "bigint", false)
    }

    #[must_use]
    pub fn flags(self, names: &[&str]) -> Self {
        self.push(names, "boolean", true)
    }

    #[must_use]
    pub fn json(self, names: &[&str]) -> Self {
        let kind = if self.backend == DbBackend::Postgres { "jsonb" } else { "json_text" };
        self.push(names, kind, true)
    }

    /// Days on a company's own calendar.
    #[must_use]
    pub fn dates(self, names: &[&str]) -> Self {
        let kind = self.date_kind();
        self.push(names, kind, true)
    }

    #[must_use]
    pub fn dates_opt(self, names: &[&str]) -> Self {
        let kind = self.date_kind();
        self.push(names, kind, false)
    }

    fn date_kind(&self) -> &'static str {
        if self.backend == DbBackend::Postgres { "date" } else { "date_text" }
    }

    /// Ids that point at nothing the schema knows.
    #[must_use]
    pub fn ids(self, names: &[&str]) -> Self {
        let kind = self.uuid();
        self.push(names, kind, true)
    }

    #[must_use]
    pub fn ids_opt(self, names: &[&str]) -> Self {
        let kind = self.uuid();
        self.push(names, kind, false)
    }

    /// `(company_id, x_id) → parent (company_id, id)`: another company's row cannot be named.
    #[must_use]
    pub fn belongs(mut self, column: &str, parent: &str) -> Self {
        self.point(column, parent);
        let kind = self.uuid();
        self.push(&[column], kind, true)
    }

    #[must_use]
    pub fn belongs_opt(mut self, column: &str, parent: &str) -> Self {
        self.point(column, parent);
        let kind = self.uuid();
        self.push(&[column], kind, false)
    }

    fn point(&mut self, column: &str, parent: &str) {
        self.constraints.push(if self.tenant {
            format!("FOREIGN KEY (company_id, {column}) REFERENCES {parent} (company_id, id)")
        } else {
            format!("FOREIGN KEY ({column}) REFERENCES {parent} (id)")
        });
    }

    /// A rule that both databases check on every write.
    #[must_use]
    pub fn check(mut self, rule: &str) -> Self {
        self.constraints.push(format!("CHECK ({rule})"));
        self
    }

    /// On a tenant's table the company is put first.
    #[must_use]
    pub fn unique(mut self, columns: &str) -> Self {
        self.indexes.push((true, self.led(columns)));
        self
    }

    #[must_use]
    pub fn index(mut self, columns: &str) -> Self {
        self.indexes.push((false, self.led(columns)));
        self
    }

    /// A queue's index, which only the platform reads: not led by the company.
    #[must_use]
    pub fn queue_index(mut self, columns: &str) -> Self {
        self.indexes.push((false, columns.into()));
        self
    }

    /// Lets work across companies change rows too, such as `INSERT, UPDATE`: the list of who may is
    /// checked by a test.
    #[must_use]
    pub const fn platform_writes(mut self, verbs: &'static str) -> Self {
        self.platform_writes = verbs;
        self
    }

    /// A log of high volume whose only key is the id: on PostgreSQL each month of the ids' birth is
    /// a partition of its own, made ahead by [`months_ahead`].
    #[must_use]
    pub const fn by_month(mut self) -> Self {
        self.by_month = true;
        self
    }

    fn led(&self, columns: &str) -> String {
        if self.tenant { format!("company_id, {columns}") } else { columns.into() }
    }

    /// Creates the table, its indexes and, on PostgreSQL, its policies and grants.
    ///
    /// # Errors
    /// What the database says.
    pub async fn create(self, db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
        let Self { name, tenant, backend, columns, constraints, indexes, platform_writes, by_month } = self;
        let is_postgres = backend == DbBackend::Postgres;
        let body = columns.into_iter().chain(constraints).collect::<Vec<_>>().join(",\n  ");
        let parts = if by_month && is_postgres { " PARTITION BY RANGE (id)" } else { "" };
        run(db, &format!("CREATE TABLE {name} (\n  {body}\n){parts}")).await?;
        for (number, (unique, columns)) in indexes.into_iter().enumerate() {
            let unique = if unique { "UNIQUE " } else { "" };
            run(db, &format!("CREATE {unique}INDEX {name}_{number} ON {name} ({columns})")).await?;
        }
        if is_postgres {
            wall(db, name, tenant, platform_writes).await?;
        }
        if by_month && is_postgres {
            run(db, &format!("CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT")).await?;
            close(db, &format!("{name}_rest")).await?;
        }
        Ok(())
    }
}

/// The roles' grants and the policies. `souk_platform` reads everything and changes what is listed.
async fn wall(db: &SchemaManagerConnection<'_>, name: &str, tenant: bool, platform_writes: &str) -> Result<(), DbErr> {
    run(db, &format!("GRANT SELECT ON {name} TO souk_platform")).await?;
    if !platform_writes.is_empty() {
        run(db, &format!("GRANT {platform_writes} ON {name} TO souk_platform")).await?;
    }
    if tenant {
        run(db, &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO souk_app")).await?;
        close(db, name).await?;
        run(
            db,
            &format!(
                "CREATE POLICY tenant ON {name} TO souk_app \
                 USING (company_id = NULLIF(current_setting('app.company_id', true), '')::uuid)"
            ),
        )
        .await?;
        run(db, &format!("CREATE POLICY platform ON {name} TO souk_platform USING (true)")).await?;
    }
    Ok(())
}

/// Row-level security, enabled and forced: without a policy nobody sees a row, not even the owner.
async fn close(db: &SchemaManagerConnection<'_>, name: &str) -> Result<(), DbErr> {
    run(db, &format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")).await?;
    run(db, &format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY")).await
}

/// Makes the partitions of this month and of the `months` ahead, for every table kept by months.
/// PostgreSQL only. A month whose rows already lie in the rest stays there, and the server says so.
///
/// # Errors
/// What the database says.
pub async fn months_ahead<C: ConnectionTrait>(db: &C, months: u32) -> Result<(), DbErr> {
    // An id's first 48 bits are its birth in milliseconds, so a month is a range of ids.
    let make = format!(
        "DO $$ DECLARE kept record; since timestamp; bound text[]; part text; BEGIN \
         FOR kept IN SELECT c.relname AS name FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid \
         WHERE c.relnamespace = current_schema()::regnamespace LOOP \
           FOR ahead IN 0..{months} LOOP \
             since := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead); \
             part := kept.name || to_char(since, '_YYYY_MM'); \
             CONTINUE WHEN to_regclass(part) IS NOT NULL; \
             SELECT array_agg(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20) ORDER BY at) INTO bound \
             FROM unnest(ARRAY[since, since + interval '1 month']) AS at; \
             BEGIN \
               EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, kept.name, bound[1], bound[2]); \
               EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part); \
               EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part); \
             EXCEPTION WHEN check_violation THEN \
               RAISE WARNING 'rows of % were written before it was made and stay in %_rest', part, kept.name; \
             END; \
           END LOOP; \
         END LOOP; END $$"
    );
    db.execute_unprepared(&make).await.map(|_| ())
}

/// Rows that are written once: a trigger refuses to change or delete them on both databases, and on
/// PostgreSQL no role may.
///
/// # Errors
/// What the database says.
pub async fn append_only(db: &SchemaManagerConnection<'_>, name: &str) -> Result<(), DbErr> {
    for verb in ["UPDATE", "DELETE"] {
        let trigger = format!("{name}_no_{}", verb.to_lowercase());
        let sql = if db.get_database_backend() == DbBackend::Postgres {
            run(db, &format!("REVOKE {verb} ON {name} FROM souk_app, souk_platform")).await?;
            format!("CREATE TRIGGER {trigger} BEFORE {verb} ON {name} FOR EACH ROW EXECUTE FUNCTION souk_append_only()")
        } else {
            format!("CREATE TRIGGER {trigger} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END")
        };
        run(db, &sql).await?;
    }
    Ok(())
}

/// Rebuilds a table of SQLite, which cannot alter columns: copies it into `definition` (the full
/// `CREATE TABLE` of `<name>_new`), takes its place, and keeps its indexes and triggers.
/// Foreign keys are off on the migration's connection and checked before it commits.
///
/// # Errors
/// What the database says.
pub async fn rebuild_table<C: ConnectionTrait>(db: &C, name: &str, definition: &str, columns: &str) -> Result<(), DbErr> {
    let ask = format!("SELECT sql FROM sqlite_master WHERE tbl_name = '{name}' AND type IN ('index', 'trigger') AND sql IS NOT NULL");
    let kept = db.query_all_raw(Statement::from_string(db.get_database_backend(), ask)).await?;
    db.execute_unprepared(definition).await?;
    db.execute_unprepared(&format!("INSERT INTO {name}_new ({columns}) SELECT {columns} FROM {name}")).await?;
    db.execute_unprepared(&format!("DROP TABLE {name}")).await?;
    db.execute_unprepared(&format!("ALTER TABLE {name}_new RENAME TO {name}")).await?;
    for row in kept {
        db.execute_unprepared(&row.try_get::<String>("", "sql")?).await?;
    }
    Ok(())
}

/// Runs one statement that takes no input.
///
/// # Errors
/// What the database says.
pub async fn run(db: &SchemaManagerConnection<'_>, sql: &str) -> Result<(), DbErr> {
    db.execute_unprepared(sql).await.map(|_| ())
}
