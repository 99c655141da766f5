-- a bridge that is pointed at the copy would pour, for real, what was ordered before it was made
UPDATE coffee_backend
   SET state = 'checked'
 WHERE state = 'running';

-- Connect a Bridge makes a key of the copy's own
DELETE FROM res_users_apikeys
 WHERE user_id IN (
       SELECT link.uid
         FROM res_groups_users_rel AS link
         JOIN ir_model_data AS data ON data.res_id = link.gid AND data.model = 'res.groups'
        WHERE data.module = 'connector_coffee'
          AND data.name = 'group_coffee_bridge'
);
