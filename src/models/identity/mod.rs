//! Identity: who somebody is, and how they prove it.
//!
//! `staff` is a person of the platform, `members` joins one to a company, `assignments` gives
//! roles; `customers` belong to one company. Passwords are argon2id, off the async threads.

mod account;
mod acting;
mod address;
mod address_book;
mod addressee;
mod assignment;
mod codes;
mod customer;
mod customer_session;
mod customers;
mod forget;
mod invite;
mod knock;
mod letters;
mod link;
mod member;
mod one_time_code;
mod own_roles;
mod password;
mod people;
mod persons;
mod phone;
mod preference;
mod profile;
mod refresh_token;
mod role;
mod role_permission;
mod session;
mod sign_in;
mod staff;
mod staff_session;
mod staffing;
mod standing;
mod steward;
mod word;
mod workplace;

pub use self::{
    account::{Person, actors, actors_of_all},
    acting::{Acting, act_as, companies_acted_in, end_acting_in, stop_acting},
    address::{Address, Model as KeptAddress},
    address_book::{NewAddress, add_address, address, addresses, change_address, remove_address},
    addressee::{customer_by_email, find_customers, find_member, find_members, member_by_email, members_with},
    assignment::Model as Assignment,
    codes::{send_code, take_code},
    customer::Model as Customer,
    customers::{CustomerChange, GROUPS, change_customer, ensure_whole_company, set_customer_banned},
    forget::{forget_customer, is_forgotten},
    invite::{
        Invitation, Invited, Newcomer, Offer, accept, accept_as, invitation_of, invitation_path, invite, invite_again, newcomer, offer,
        places_of, read_invitation, welcome,
    },
    letters::{address_path, ask_to_verify, find_staff, forgot, password_path, reset_password, verify_address},
    link::{Link, Purpose},
    member::Model as Member,
    one_time_code::{CODE_SECONDS, Model as OneTimeCode, code_to_send, codes_sent, let_go_codes, past_codes},
    own_roles::{NewRole, OwnRole, RoleChange, add_role, change_role, delete_role, holders_of_each, own_role, own_roles},
    password::hash as hash_password,
    people::{
        Colleague, PeopleBy, PeopleFilter, Presence, colleague, customer_among, customers as list_customers, customers_of_all, members,
        members_of_all, role_names, role_names_of_all, sorted_customers, sorted_members,
    },
    persons::{
        Among, PersonSearch, own_role_names, person_of, person_state, persons, persons_of, places_of_persons, sessions_of_person,
        sorted_persons,
    },
    phone::called,
    preference::{Preferences, PreferencesChange, change_preferences, preferences},
    profile::{ProfileChange, change_password, change_profile, person},
    session::{
        Claims, Holder, IssuedTokens, Portal, Session, Whose, caller_of_claims, caller_of_cookie, end_session, issue, let_go_of_platform,
        let_go_sessions, past_sessions, read_token, refresh, sessions, sign_out,
    },
    sign_in::{NewCustomer, add_staff, admins, customers, find_customer, is_staff, places_taken, register, set_appearance, sign_in},
    staff::Model as Staff,
    staffing::{
        MemberChange, Place, assign_at, change_member, deactivate, end_sessions, last_sign_ins, retire_role, sessions_of, set_banned,
        unassign_at,
    },
    steward::{ban_person, end_sessions_of_company, end_sessions_of_person, unban_person},
    workplace::{Astray, astray, switch_company},
};
