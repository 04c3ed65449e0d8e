-- What psql prints for this script, quern must print (errors at run time also show their place in the text).
select 1 as a, 'x' as b, null as c, 1.50 as num, true as t;
-- a comment
create table t(a int, b text, c numeric(10,2) not null, d varchar(5) default 'x');
insert into t values (1,'multi
line',1.5,'a'),(22,'tab	here',2,'b'),(3,null,3,'ü漢字');
select * from t; select count(*) from t; select 5 as "Head
er two", 'x' as y;
\x
select * from t;
select 5 as "Head
er two", 'x
y' as y;
\pset border 2
select * from t;
select 5 as "Head
er two", 'x
y' as y;
\pset border 0
select * from t;
select 5 as "Head
er two", 'x
y' as y;
select 1 where false;
\t
select * from t;
\pset border 2
select * from t;
\x
select * from t;
\t
\pset border 2
select * from t;
select 5 as "Head
er two", 'x
y' as y;
\pset border 0
select * from t;
select 5 as "Head
er two", 'x
y
z' as y, 'k' as last;
\pset border 1
\pset title 'My title'
select * from t;
\pset title
\pset null '(null)'
select * from t;
\a
select * from t;
\x
select * from t;
select 1 where false;
\x
\t
select * from t;
\t
\pset fieldsep ';'
select * from t;
\f
\pset footer off
select * from t;
\pset format csv
select * from t;
select 'a,b' as x, 'q"uote' as "y,z", E'new\nline' as w, '\.' as v;
\x
select * from t;
\x
\pset format aligned
\pset footer on
select;
select from t;
select foo from t;
select aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, ccccccccccccccccccccccccccccccccccc from t;
select 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31, foo from t;
select 1,
  2,	foo, 5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
from t;
select 'ü漢字', foo;
select 1/0;
insert into t values (1,2);
insert into t(a) values (1);
\set VERBOSITY terse
select foo;
\set VERBOSITY sqlstate
select foo;
\set VERBOSITY default
\set v 12
\set s 'it''s'
select :v + 1 as x, :'s' as y, :"s" from (select 1 as "it's") q;
select 1::int, 'a:v', :nope;
select 1 \g
select 2 as x \gx
select 3 as a3, 'q' as b3 \gset
\echo :a3 :b3 'single quoted\ttab' "dq" `echo hi`
\echo -n abc
\echo def
copy t from stdin;
7	copied	1.0	z
8	\N	2.0	y
\.
select * from t;
copy t from stdin (format csv);
9,"x,y",3,k
\.
copy t to stdout;
copy (select a,b from t) to stdout (format csv, header);
select 'after' as x;
\foo
\pset nonsense
\pset border
select $$dollar ; quoted$$ as d, $tag$ x;$$ y $tag$ as e, E'esc\';' as f, 'q;' as g, "a;" from (select 1 as "a;") s; /* comment ; /* nested ; */ ; */ select 2;
select (1; 2);
select 1; select 2 \; select 3;
\echo done
\timing
\timing off
\x auto
select 1;
\x off
\t on
\t
\p
select 1 +
\p
\r
select 5;
drop table if exists zork;
\unset v
select :v;
values (1,'a'),(2,'b');
\C 'hello'
select 1 as wide_column_name_here_longer;
\C
select E'a\tb\rc\x01d' as ctl, E'\u0001' as u;
\! echo shell
\qecho qe
select 'in file';
create table zz2(a int);
\echo not in file
\qecho in file
\o
\copy t(a,c) from stdin
5	6
\.
\copy (select 5) to stdout
\copy t
select a, c from t order by 1,2
