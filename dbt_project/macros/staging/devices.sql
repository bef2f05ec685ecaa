{# What a user agent tells of a device, in the words of the role `device`; NULL without one. #}
{% macro device_of_agent(user_agent) -%}
    {%- set agent = 'lower(' ~ user_agent ~ ')' -%}
    {%- set names_a_phone = [] -%}
    {%- for word in ['android', 'iphone', 'ipad', 'ios', 'mobile', 'harmony', 'okhttp', 'cfnetwork', 'dalvik'] -%}
        {%- do names_a_phone.append(agent ~ " like '%" ~ word ~ "%'") -%}
    {%- endfor -%}
    case
        when {{ agent }} like 'mozilla/%' or {{ agent }} like 'opera/%'
            then case when {{ names_a_phone | join(' or ') }} then 'mobile_web' else 'desktop' end
        when {{ names_a_phone | join(' or ') }} then 'app'
        when {{ agent }} <> '' then 'other'
    end
{%- endmacro %}
